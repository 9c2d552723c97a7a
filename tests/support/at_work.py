"""Threads that work until they are told to stop."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event


@contextmanager
def at_work(number: int, work: Callable[[int, Event], None]) -> Iterator[None]:
    """Run `work` in so many threads, each with its number, until the block ends; raises what one of them raised."""
    stop = Event()
    with ThreadPoolExecutor(number) as threads:
        futures = [threads.submit(work, one, stop) for one in range(number)]
        try:
            yield
        finally:
            stop.set()
    for future in futures:
        future.result()
