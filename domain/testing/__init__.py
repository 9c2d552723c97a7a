"""What those who build on Deedbook test with; needs the extra `testing`."""

from deedbook.domain.testing.sequences import command_sequences, live
from deedbook.domain.testing.strategies import commands, events

__all__ = ["command_sequences", "commands", "events", "live"]
