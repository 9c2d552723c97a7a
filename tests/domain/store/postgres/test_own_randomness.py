"""What runs beside a test takes none of the random numbers that all of Python shares."""

import random
from pathlib import Path
from uuid import uuid4

from tests.contract.engines import ENGINES


def test_a_pool_of_connections_takes_no_shared_random_number(tmp_path: Path) -> None:
    """Each connection takes one, in a thread of the pool: Hypothesis then refuses a test whose examples it draws."""
    before = random.getstate()
    store = ENGINES["postgres"](tmp_path).open()
    try:
        # It is read on a connection of the pool: one has been made by now.
        assert not store.log.history(uuid4())
    finally:
        store.close()
    assert random.getstate() == before
