"""Drives the published Python SDK, unmodified: requests come on standard input, answers leave on standard output.

Each is JSON on a line of its own. A request is `{"call": name, "with": {…}}`. It is answered with `{"message": …}` for
each message of a stream ("open" when it is open, the status when it is refused), then `{"answer": …}` or
`{"error": class, "says": sentence}`.

This file is run by the Python of an environment that holds the SDK and nothing of ours. The SDK is Python 2 code: what
it misses in Python 3 is put around it, in memory.
"""

import base64
import builtins
import json
import sys
import urllib
import urllib.parse
from collections.abc import Callable
from typing import Any


def tell(**said: object) -> None:
    """Write a line."""
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


def pretend_python_2() -> None:
    """Give the SDK the names and the loose strings of Python 2."""
    encode = base64.b64encode
    join = urllib.parse.urljoin

    def encoded(text: str | bytes) -> str | bytes:
        return encode(text.encode()).decode() if isinstance(text, str) else encode(text)

    def joined(base: str, path: str | bytes) -> str:
        return join(base, path.decode() if isinstance(path, bytes) else path)

    # Any: these modules are given what their types do not know.
    changed: list[tuple[Any, str, object]] = [
        (base64, "b64encode", encoded),
        (urllib.parse, "urljoin", joined),
        (urllib, "quote_plus", urllib.parse.quote_plus),
        (builtins, "basestring", str),
    ]
    for module, name, value in changed:
        setattr(module, name, value)


def calls() -> dict[str, Callable[..., object]]:
    """Return what can be called: the SDK's own functions, with what they return made JSON."""
    import dockercloud as sdk  # type: ignore[import-not-found]  # noqa: PLC0415  # not before `pretend_python_2`

    def message(text: str) -> None:
        tell(message=json.loads(text))

    def performed(uuid: str, operation: str) -> object:
        action = sdk.Action.fetch(uuid)
        getattr(action, operation)()
        return action.get_all_attributes()

    def refused(error: Exception) -> None:
        if hasattr(error, "status_code"):
            tell(message=error.status_code)

    def events() -> None:
        stream = sdk.Events()
        stream.on_error(refused)
        stream.on_open(lambda: tell(message="open"))
        stream.on_message(message)
        stream.run_forever()

    return {
        "list": lambda **filters: [action.get_all_attributes() for action in sdk.Action.list(**filters)],
        "fetch": lambda uuid: sdk.Action.fetch(uuid).get_all_attributes(),
        "cancel": lambda uuid: performed(uuid, "cancel"),
        "retry": lambda uuid: performed(uuid, "retry"),
        "find": lambda identifier: sdk.Utils.fetch_remote_action(identifier).get_all_attributes(),
        "resolve": lambda uri: sdk.Utils.fetch_by_resource_uri(uri).get_all_attributes(),
        "logs": lambda uuid, **how: sdk.Action.fetch(uuid).logs(log_handler=message, **how),
        "events": events,
    }


def main() -> None:
    """Answer requests until there are no more."""
    pretend_python_2()
    known = calls()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = known[request["call"]](**request["with"])
        except Exception as error:  # noqa: BLE001  # whatever it is, the test is to see it
            tell(error=type(error).__name__, says=str(error))
        else:
            tell(answer=answer)


if __name__ == "__main__":
    main()
