"""A whole check of the store that settings name, and of its views: what `deedbook verify` reports."""

import contextlib
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Generic, NamedTuple, TypeVar

from deedbook.domain.errors import StoreFailed
from deedbook.domain.finding import Finding, Progress
from deedbook.domain.merkle import TreeHead
from deedbook.domain.store.place import Place
from deedbook.domain.store.places import place_of
from deedbook.domain.store.sqlite.read_only import ReadOnly
from deedbook.domain.store.verify import Checked, verify
from deedbook.projections.generations import Generations
from deedbook.projections.verify import Compared, open_views, verify_views
from deedbook.web.beside import Beside
from deedbook.web.opening import views_of
from deedbook.web.settings import Settings

#: From so many events on, a second process pays: it takes half a second to begin.
BESIDE = 50_000

Outcome = TypeVar("Outcome")


class Verified(NamedTuple):
    """What a check of a whole store came to: of its log, of its views, and all that was found."""

    log: Checked
    views: Compared
    findings: Sequence[Finding]


def verify_store(
    settings: Settings, noted: TreeHead | None, progress: Callable[[Progress], None], beside: int = BESIDE
) -> Verified:
    """Check the store that the settings name, and its views, as they are now, changing nothing; `noted`: its head once.

    From `beside` events on the views are checked in a process of their own. Raises `StoreUnusable` where there is no
    store. One that nobody had open, and that changed all the same while it was read, is read again.
    """
    place = place_of(settings.url)
    while True:
        if _size(place) < beside:
            views = _verified_views(settings, progress)
            log = _verified_log(place, noted, progress)
        else:
            with Beside(_verified_views, settings) as other:
                log = _verified_log(place, noted, progress)
                views = other.outcome(progress)
        if log.is_true and views.is_true:
            return Verified(log.outcome, views.outcome, [*log.findings, *views.findings])


def _size(place: Place) -> int:
    # A store that is too broken to be counted is small; the check itself then says what is broken.
    with closing(place.whole()) as store, contextlib.suppress(StoreFailed):
        return store.head()
    return 0


class _Part(NamedTuple, Generic[Outcome]):
    """What came of a part of the check; not `is_true`: what was read changed meanwhile."""

    outcome: Outcome
    findings: list[Finding]
    is_true: bool


def _verified_log(place: Place, noted: TreeHead | None, progress: Callable[[Progress], None]) -> _Part[Checked]:
    findings: list[Finding] = []
    with closing(place.whole()) as store:
        return _Part(verify(store, noted, findings.append, progress), findings, store.is_true())


def _verified_views(settings: Settings, progress: Callable[[Progress], None]) -> _Part[Compared]:
    findings: list[Finding] = []
    place = place_of(settings.url)
    with contextlib.ExitStack() as stack:
        # The views first: of the log, which only grows, there is then at least what they have read.
        opened = open_views(Generations(views_of(settings, place)), ReadOnly, findings.append)
        if opened is not None:
            stack.callback(opened.file.close)
        store = stack.enter_context(closing(place.whole()))
        compared = verify_views(opened, store, findings.append, progress)
        return _Part(compared, findings, store.is_true() and (opened is None or opened.file.is_true()))
