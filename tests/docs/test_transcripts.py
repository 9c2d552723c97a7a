"""What the READMEs say to type works as it is shown; the first README, which installs, is in `test_quickstart.py`."""

import os
import shutil
from pathlib import Path

import pytest

from tests.docs.markdown import READMES, ROOT, blocks
from tests.docs.reading import Reader
from tests.docs.shell import shell
from tests.docs.transcript import Transcript
from tests.support.server import DEEDBOOK, free_port

PAGES = [page for page in READMES if page.parent != ROOT and any(block.language == "console" for block in blocks(page))]

#: A fence of another language would be code that nobody runs.
LANGUAGES = {"console", "python", "json"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_every_command_of_a_page_answers_as_the_page_shows(page: Path, tmp_path: Path) -> None:
    """Typed in order, in a folder with the sample log alone, each command succeeds and prints what is shown."""
    (tmp_path / "data").mkdir()
    shutil.copy(ROOT / "data" / "sample.ndjson", tmp_path / "data")
    port = str(free_port())
    path = f"{Path(DEEDBOOK).parent}{os.pathsep}{os.environ['PATH']}"
    with shell(tmp_path, PATH=path, PORT=port) as opened:
        assert Reader(tmp_path, {"8000": port}).read(page, opened) > 0


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.parent.name)
def test_no_code_stands_where_it_is_not_run(page: Path) -> None:
    """A fenced block is a console, or a file that a console uses."""
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{page}:{block.line}"
        assert (block.language == "console") != bool(block.name), f"{page}:{block.line}"


@pytest.mark.parametrize(
    ("shown", "came"),
    [
        ('{"a": 1, "b": [2]}', '{"a":1,"b":[2]}'),
        ('{…"b": [2]}', '{"a":1,"b":[2]}'),
        ("Tue, 14 Jul 2026 08:00:00 +0000", "Mon, 23 Nov 2026 23:05:04 +0000"),
        ("deedbook-position: 3", "deedbook-position: 17"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:40123"),
    ],
)
def test_what_may_differ_from_what_is_shown(shown: str, came: str) -> None:
    """White space, what `…` stands for, dates, positions and ports may differ."""
    assert Transcript().fits(shown, came)


@pytest.mark.parametrize(
    ("shown", "came"),
    [
        ('{"a": 1}', '{"a":2}'),
        ('{"a": 1}', '{"a":1,"b":2}'),
        ('{"a": null}', '{"a":"null"}'),
        ("HTTP/1.1 201 Created", "HTTP/1.1 202 Accepted"),
        ("", "deedbook: There is no store."),
        ("127.0.0.1", "198.51.100.7"),
        ("Tue, 14 Jul 2026 08:00:00 +0000", "2026-07-14T08:00:00Z"),
    ],
)
def test_what_may_not_differ_from_what_is_shown(shown: str, came: str) -> None:
    """Keys, values, statuses, forms of dates, and silence may not."""
    assert not Transcript().fits(shown, came)


def test_an_id_that_is_shown_twice_is_one_id() -> None:
    """An id stands for one id on the whole page, and two for two."""
    one, two = "2e2f6fd0-693e-471e-a551-b231f4f4a784", "0b6b9d1c-7f0e-4a53-8a3f-5d7a8c1f2e90"
    true, other = "969cb4d1-714b-42b2-b2e8-6003e7ef0bb6", "d158a3b3-dd6e-449f-af1c-f528d1db1497"
    transcript = Transcript()
    assert transcript.fits(one, true)
    assert transcript.fits(f"{one} {two}", f"{true} {other}")
    assert not transcript.fits(one, other)
    assert not Transcript().fits(f"{one} {two}", f"{true} {true}")
