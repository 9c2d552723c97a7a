"""The servers that tests stop and start leave nothing behind."""

from contextlib import suppress

import psutil

from tests.support.postgres import has_ended, own_server, until


def test_a_server_that_was_started_again_is_stopped_before_its_files_go() -> None:
    """Else it writes into a folder that is being emptied: one run of the tests failed by that."""
    with own_server() as server:
        first = server.process
        server.stop()
        # While its entry is still there, what starts and stops the server takes it for running; in some containers it
        # is there for good.
        with suppress(psutil.TimeoutExpired):
            first.wait(5)
        server.start()
        second = server.process
        assert not has_ended(second)
    # The file that `pg_ctl` waits for goes just before the process does.
    until(lambda: has_ended(second), 30)
    assert not server.folder.exists()
