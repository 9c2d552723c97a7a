"""The description of the API, made from the types that validate it."""

import msgspec
from starlette.types import Receive, Scope, Send

from deedbook.web.call import Reply
from deedbook.web.resource import send_reply


class Description:
    """Answers `/openapi.json`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        await send_reply(send, Reply(200, msgspec.json.encode({"openapi": "3.1.0"})))
