"""The servers that tests stop and start leave nothing behind."""

from pathlib import Path

from tests.support.postgres import own_server


def test_a_server_that_was_started_again_is_stopped_before_its_files_go() -> None:
    """Else it writes into a folder that is being emptied: one run of the tests failed by that."""
    with own_server() as server:
        server.stop()
        server.start()
        process = Path("/proc") / (server.folder / "postmaster.pid").read_text().split()[0]
        assert process.exists()
    assert not process.exists()
    assert not server.folder.exists()
