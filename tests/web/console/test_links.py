"""The link that signs in once."""

from pathlib import Path

import httpx
import pytest

from deedbook.web.quickstart import prepare
from deedbook.web.settings import Settings
from tests.support.server import Server, serving


@pytest.fixture
def linked(tmp_path: Path) -> str:
    """The words that quickstart prints on a new store, beside which a server then runs."""
    return prepare(Settings(url=f"sqlite:///{tmp_path}/log.db"), tmp_path / "key", None, "http://here")


def _link(words: str, server: Server) -> str:
    (path,) = [line.strip().removeprefix("http://here") for line in words.splitlines() if "/sign-in/" in line]
    return f"{server.address}{path}"


def test_link_signs_in_once(linked: str, tmp_path: Path) -> None:
    """Whoever looks at it first (HEAD) uses nothing up; the first GET is signed in, the second is not."""
    with serving(tmp_path) as server:
        link = _link(linked, server)
        assert httpx.head(link).status_code == 405
        assert httpx.get(f"{link}x").status_code == 403
        first = httpx.get(link)
        assert (first.status_code, first.headers["location"]) == (303, "/")
        cookie = {"Cookie": first.headers["set-cookie"].partition(";")[0]}
        assert httpx.get(f"{server.address}/keys", headers=cookie).status_code == 200
        second = httpx.get(link)
        assert (second.status_code, "set-cookie" in second.headers) == (403, False)
        assert "This link was used" in second.text


def test_next_link_makes_the_one_before_worthless(linked: str, tmp_path: Path) -> None:
    """Of two links only the newer one signs in; the file behind it is its owner's alone, and holds no ticket."""
    with serving(tmp_path) as server:
        settings = Settings(url=server.url)
        newer = _link(prepare(settings, tmp_path / "key", None, "http://here"), server)
        assert httpx.get(_link(linked, server)).status_code == 403
        kept = tmp_path / "sign-in-ticket"
        assert kept.stat().st_mode & 0o077 == 0
        assert newer.rpartition("/")[2] not in kept.read_text()
        assert httpx.get(newer).status_code == 303
