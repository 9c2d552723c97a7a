"""What those who build on Deedbook test with; needs the extra `testing`."""

from deedbook.domain.testing.histories import Illegal, illegal_histories, legal_histories
from deedbook.domain.testing.sequences import command_sequences, live
from deedbook.domain.testing.strategies import commands, events
from deedbook.domain.testing.violations import Violation

__all__ = [
    "Illegal",
    "Violation",
    "command_sequences",
    "commands",
    "events",
    "illegal_histories",
    "legal_histories",
    "live",
]
