"""When more is asked than can be recorded: a 503 at once, and nothing of what was refused is recorded."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.support.server import serving
from tests.web.api.callers import CALL, Tenant, document
from tests.web.api.conformance import asking

CLIENTS = 24


def test_a_full_queue_is_a_503_that_says_when_to_come_again(tmp_path: Path) -> None:
    """Each answer is a 201 or a 503 with Retry-After; what is in the list afterwards is exactly what got its 201."""
    with serving(tmp_path, DEEDBOOK_QUEUE="1") as server, asking(server) as client:
        recorder = Tenant(client, server.key).recorder

        def post(_: int) -> httpx.Response:
            return recorder.post("/action/", CALL)

        recorded: list[str] = []
        refused: list[httpx.Response] = []
        with ThreadPoolExecutor(CLIENTS) as pool:
            for _ in range(50):
                for answer in pool.map(post, range(CLIENTS)):
                    if answer.status_code == 201:
                        recorded.append(document(answer)["uuid"])
                    else:
                        refused.append(answer)
                if refused:
                    break
        assert {answer.status_code for answer in refused} == {503}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
        listed = [action["uuid"] for action in recorder.listed("limit=500")]
        assert sorted(listed) == sorted(recorded)
        assert recorder.post("/action/", CALL).status_code == 201
