"""What every path needs to know of its surroundings: whose key it is, how far the views are, who may see an action."""

from collections.abc import Callable
from typing import NamedTuple

from starlette.types import Scope

from deedbook.domain.errors import DeedbookError, Unavailable
from deedbook.domain.events import ActionRecorded
from deedbook.domain.keys import ApiKey
from deedbook.domain.log import EventLog
from deedbook.web.auth import Keyring, WrongKeys, credentials_in, session_ended
from deedbook.web.call import Call, Networks, address_of
from deedbook.web.problems import Problem, Refusals
from deedbook.web.sessions import Sessions, is_own_question


class Gate(NamedTuple):
    """Admits requests."""

    log: EventLog
    keyring: Keyring
    wrong_keys: WrongKeys
    position: Callable[[], int]
    proxies: Networks
    sessions: Sessions
    refusals: Refusals

    def admit(self, scope: Scope) -> ApiKey:
        """Return the valid key that a request carries; raises the 401, or the 429 after too many wrong ones.

        Without one a session counts, where our own pages ask for something and change nothing.
        """
        authorization = dict(scope["headers"]).get(b"authorization")
        key = self._without_header(scope) if authorization is None else self.keyring.carried_by(authorization)
        if key is None:
            raise self.wrong_keys.counted(address_of(scope, self.proxies) or "")
        return self.keyring.note(key)

    def _without_header(self, scope: Scope) -> ApiKey | None:
        query = scope["query_string"].decode("latin-1") if scope["type"] == "websocket" else ""
        if "token=" not in query and is_own_question(scope):
            session = self.sessions.find(scope)
            if session is not None:
                return session.key
            if (b"sec-fetch-dest", b"empty") in scope["headers"]:
                raise session_ended()
        return self.keyring.find(credentials_in(query))

    def is_visible(self, call: Call) -> bool:
        """Tell whether the action in the path is there, in a namespace that the caller may see.

        Raises `Unavailable` where the log can't be asked: an action that is there is never said not to be.
        """
        try:
            history = self.log.history(call.action, limit=1)
            namespace = call.namespace
        except Unavailable:
            raise
        except (Problem, DeedbookError):
            return False
        recorded = history[0].event if history else None
        return isinstance(recorded, ActionRecorded) and namespace in (None, recorded.namespace)
