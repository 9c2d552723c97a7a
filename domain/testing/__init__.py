"""What those who build on Deedbook test with; needs the extra `testing`."""

from deedbook.domain.testing.checking import Checked, check
from deedbook.domain.testing.driver import Answer, CutOff, Driver, NoAnswer, Outcome, Page, Question, Seen
from deedbook.domain.testing.histories import Illegal, illegal_histories, legal_histories
from deedbook.domain.testing.in_process import InProcess, Reading
from deedbook.domain.testing.machine import AuditLogMachine
from deedbook.domain.testing.sequences import command_sequences, live
from deedbook.domain.testing.story import Broken
from deedbook.domain.testing.strategies import commands, events
from deedbook.domain.testing.violations import Violation

__all__ = [
    "Answer",
    "AuditLogMachine",
    "Broken",
    "Checked",
    "CutOff",
    "Driver",
    "Illegal",
    "InProcess",
    "NoAnswer",
    "Outcome",
    "Page",
    "Question",
    "Reading",
    "Seen",
    "Violation",
    "check",
    "command_sequences",
    "commands",
    "events",
    "illegal_histories",
    "legal_histories",
    "live",
]
