"""API keys at the command line: whom one can be issued to, and the list of all."""

import unicodedata
from collections.abc import Iterable

import msgspec
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from deedbook.domain.keys import ApiKey
from deedbook.projections.dates import iso8601
from deedbook.web.printable import printable
from deedbook.web.wire import KeyRequest

#: Columns of a line that any key fits on. A terminal breaks what is too long for it; rich would cut off ids and dates.
_WIDE = 4096


def key_request(user: str, namespace: str, role: str) -> KeyRequest:
    """Return the key to issue; raises ValueError where the API would refuse it, or a terminal obey the user's name."""
    try:
        request = msgspec.convert({"user": user, "namespace": namespace, "role": role}, KeyRequest)
    except msgspec.ValidationError:
        request = None
    # Cs: Python's stand-ins for bytes of an argument that are not UTF-8.
    if request is None or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in user):
        raise ValueError("A user has 1 to 256 characters, and no colon or control character among them.")
    return request


def print_keys(keys: Iterable[ApiKey]) -> None:
    """Print a line for each key on standard output, with all of its id."""
    whole = [Column(name, no_wrap=True) for name in ("id", "user", "namespace", "role", "created", "revoked")]
    table = Table(*whole, box=None, pad_edge=False)
    for key in keys:
        user = Text(printable(key.user))
        revoked = "" if key.revoked is None else iso8601(key.revoked)
        table.add_row(str(key.id), user, key.namespace, str(key.role), iso8601(key.created), revoked)
    Console(width=_WIDE).print(table)
