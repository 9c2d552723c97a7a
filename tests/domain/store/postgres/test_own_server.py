"""The servers that tests stop and start leave nothing behind."""

from tests.support.ended import has_ended
from tests.support.postgres import own_server


def test_a_server_that_was_started_again_is_stopped_before_its_files_go() -> None:
    """Else it writes into a folder that is being emptied: one run of the tests failed by that."""
    with own_server() as server:
        server.stop()
        server.start()
        process = server.process.pid
        assert not has_ended(process)
    assert has_ended(process)
    assert not server.folder.exists()
