"""What `make run` does before it serves: a store with a sample log, an API key, a link to sign in, three commands."""

import re
import shlex
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from rich.console import Console

from deedbook.domain.events import Caller
from deedbook.domain.keys import ApiKey, Role
from deedbook.web.keys import issue_at_once
from deedbook.web.loading import load_files
from deedbook.web.opening import Opened, open_store
from deedbook.web.private_files import write_private
from deedbook.web.settings import Settings
from deedbook.web.tickets import Tickets
from deedbook.web.wire import KeyRequest

#: Whose key it is, and where the sample is loaded.
USER = "demo"
NAMESPACE = "sample"

#: A stack of the sample log.
_STACK = "/api/app/v1/stack/2d224549-05cc-4901-93f3-dd47daf16259/"

#: What a file holds that a key is kept in: 256 bits as base64, alone.
_KEY = re.compile(rb"([A-Za-z0-9_-]{43})\s{0,2}")

_HERE = Caller(user=USER, agent="deedbook quickstart")


def prepare(settings: Settings, key_file: Path, sample: Path | None, address: str) -> str:
    """Make what is missing, and return what to print: the key and three commands.

    Raises `DeedbookError`, OSError, and ValueError where there is something else in `key_file`: then nothing is made.
    """
    kept = _kept(key_file)
    store = open_store(settings)
    try:
        if sample is not None and store.log.head() == 0:
            load_files(store.audit_log, [sample], NAMESPACE, Console(stderr=True))
        secret = _key(store, key_file, kept)
        (key,) = _valid(store, secret)
        ticket = Tickets(store.generations.folder).issue(key)
    finally:
        store.close()
    return _words(address, key_file, secret, ticket)


def _kept(key_file: Path) -> str | None:
    """Return what is kept in a file, None where there is none; raises ValueError where that looks like no API key."""
    if not key_file.exists():
        return None
    with key_file.open("rb") as file:
        found = _KEY.fullmatch(file.read(64))
    if found is None:
        raise ValueError(f"{key_file} is there already and holds no API key; name another file with --key-file.")
    return found[1].decode()


def _key(store: Opened, key_file: Path, kept: str | None) -> str:
    """Return the key that is kept in a file, where it is valid in this store; else issue one and keep it there."""
    if kept is not None and _valid(store, kept):
        return kept
    request = KeyRequest(USER, NAMESPACE, Role.ADMIN)
    secret = issue_at_once(store.audit_log, request, uuid4, _HERE)
    write_private(key_file, secret)
    return secret


def _valid(store: Opened, secret: str) -> list[ApiKey]:
    """Return the valid key with this secret, where there is one."""
    digest = sha256(secret.encode()).digest()
    return [key for key in store.log.api_keys() if key.secret_hash == digest and key.revoked is None]


def _words(address: str, key_file: Path, secret: str, ticket: str) -> str:
    curl = f'curl -sS -u "{USER}:$(cat {shlex.quote(str(key_file.resolve()))})"'
    api = f"{address}/api/audit/v1"
    body = '{"action": "Service Scale", "method": "POST", "path": "/api/app/v1/service/", "state": "In progress"}'
    return f"""
Deedbook serves on {address}. To see it in the browser, follow this link; it signs you in, once:

    {address}/sign-in/{ticket}

Your API key, as user {USER} (kept in {key_file}):

    {secret}

Three commands to try, in another terminal:

  What runs now?
    {curl} "{api}/action/?state=In+progress"

  Record an action that is still to do:
    {curl} -H "Content-Type: application/json" "{api}/action/" \\
      -d '{body}'

  What did people do to anything in the stack, newest first?
    {curl} "{api}/action/?object={_STACK}&include_related=true&is_user_action=true&order_by=-start_date"

Ctrl-C ends it; started again, it goes on with the store that it finds.
"""
