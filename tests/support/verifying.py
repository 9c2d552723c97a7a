"""Checking a store as `deedbook verify` does: its log, and its views where it has some."""

from collections.abc import Callable, Sequence
from pathlib import Path

from deedbook.domain.finding import CODES, Finding, Progress
from deedbook.domain.merkle import TreeHead
from deedbook.web.settings import Settings
from deedbook.web.verifying import Verified, verify_store


def verified(path: Path, noted: TreeHead | None = None, progress: Callable[[Progress], None] | None = None) -> Verified:
    """Check the store in a file, and return all that came of it."""
    return verify_store(Settings(url=f"sqlite:///{path.resolve()}"), noted, progress or (lambda _: None))


def findings(path: Path, noted: TreeHead | None = None) -> Sequence[Finding]:
    """Check the store in a file, and return what was found: each of a kind that is documented."""
    found = verified(path, noted).findings
    assert {finding.code for finding in found} <= set(CODES)
    return found


def codes(path: Path, noted: TreeHead | None = None) -> set[str]:
    """Check the store in a file, and return of which kinds there are findings."""
    return {finding.code for finding in findings(path, noted)}
