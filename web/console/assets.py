"""Styles, scripts and icons: read once, at the start, and served from memory under a path that names their contents."""

import gzip
import mimetypes
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from starlette.types import Receive, Scope, Send

from deedbook.web.call import Reply
from deedbook.web.negotiation import accepts_gzip
from deedbook.web.problems import body_of
from deedbook.web.resource import send_reply

ROOT = "/static"

#: Where browsers look for an icon when what they show names none, such as an answer of the API.
ICON = "/favicon.ico"
_ICON = "mark.svg"

#: They never change under one path.
_CACHING = b"public, max-age=31536000, immutable"


class Asset(NamedTuple):
    """A file: as it is and compressed."""

    content_type: bytes
    plain: bytes
    compressed: bytes


class Assets:
    """Every asset of the console. All stand below one digest, so that scripts import each other by relative names."""

    def __init__(self) -> None:
        self._assets = dict(sorted(_read(files("deedbook.web.console") / "static")))
        digest = sha256()
        for name, asset in self._assets.items():
            digest.update(name.encode() + b"\0" + asset.plain)
        self._base = f"{ROOT}/{digest.hexdigest()[:16]}"

    @property
    def sizes(self) -> dict[str, int]:
        """Return the bytes of each asset as it is sent, compressed."""
        return {name: len(asset.compressed) for name, asset in self._assets.items()}

    def path(self, name: str) -> str:
        """Return the path of an asset; raises KeyError where there is none."""
        _ = self._assets[name]
        return f"{self._base}/{name}"

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer GET and HEAD of an asset, and 405 to the rest; one of another release is not there."""
        name = _ICON if scope["path"] == ICON else scope["path"].removeprefix(f"{self._base}/")
        asset = self._assets.get(name)
        if asset is None:
            await send_reply(
                send, Reply(404, body_of(f"There is no {scope['path']} in this release; reload the page."))
            )
            return
        if scope["method"] not in ("GET", "HEAD"):
            await send_reply(send, Reply(405, body_of("This path takes GET, HEAD."), headers={b"allow": b"GET, HEAD"}))
            return
        caching = b"public, max-age=86400" if scope["path"] == ICON else _CACHING
        headers = {b"cache-control": caching, b"vary": b"accept-encoding", b"x-content-type-options": b"nosniff"}
        body = asset.plain
        if accepts_gzip(scope):
            headers[b"content-encoding"] = b"gzip"
            body = asset.compressed
        await send_reply(send, Reply(200, body, None, headers, asset.content_type))


def _read(folder: Traversable, prefix: str = "") -> list[tuple[str, Asset]]:
    found: list[tuple[str, Asset]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _read(entry, f"{prefix}{entry.name}/")
        else:
            plain = entry.read_bytes()
            found.append(
                (f"{prefix}{entry.name}", Asset(_type_of(entry.name), plain, gzip.compress(plain, 9, mtime=0)))
            )
    return found


def _type_of(name: str) -> bytes:
    guessed = mimetypes.guess_type(name)[0] or "text/plain"
    return f"{guessed}; charset=utf-8".encode()
