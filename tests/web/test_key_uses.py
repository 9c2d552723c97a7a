"""When an API key was last used is known after the server that saw it has stopped."""

import time
from email.utils import parsedate_to_datetime
from pathlib import Path

from tests.support.server import issue_key, serving


def test_the_last_use_of_a_key_outlives_the_server(tmp_path: Path) -> None:
    """Noted when a server ends at the latest: the next one tells it; of a key that nobody used it tells none."""
    begun = int(time.time())
    with serving(tmp_path) as server:
        issue_key(server.url, user="idle")
        with server.client() as client:
            assert client.get("/action/").status_code == 200
        server.stop()
        server.start()
        with server.client() as client:
            told = {key["user"]: key["last_used"] for key in client.get("/key/").json()["objects"]}
    used = told.pop("me")
    assert begun <= parsedate_to_datetime(used).timestamp() <= time.time()
    assert told == {"idle": None}
