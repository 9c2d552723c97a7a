"""`as_of`: the moment of the past that a request asks about, as a position of the log."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from deedbook.domain.log import EventLog
from deedbook.domain.moments import position_at
from deedbook.projections.dates import rfc1123
from deedbook.web.dates import parse_range
from deedbook.web.problems import Problem, bad

#: A position of more digits is in no log.
_DIGITS = 18


class Moments(NamedTuple):
    """Finds moments in a log; `clock` gives the present in microseconds since the epoch."""

    log: EventLog
    clock: Callable[[], int]

    def asked(self, parameters: Mapping[str, list[str]]) -> int | None:
        """Return the position that `as_of` names, None where it is not given; raises the 400 where it names none.

        A date means the last position that was recorded by then; one without a fraction its whole second, so that a
        date copied from an answer finds what the answer was about.
        """
        values = parameters.get("as_of")
        if values is None:
            return None
        if len(values) > 1:
            raise bad("as_of can be given once only.")
        text = values[0]
        return self._position(text) if text.isascii() and text.isdigit() else self._by(text)

    def _position(self, text: str) -> int:
        head = self.log.head()
        if len(text) > _DIGITS or int(text) > head:
            raise bad(f"as_of is {text}, but the log ends at position {head} so far.")
        if int(text) == 0:
            raise bad("as_of is a position from 1 on, or a date: before the first event there is nothing.")
        return int(text)

    def _by(self, text: str) -> int:
        try:
            first, last = parse_range(text)
        except ValueError as error:
            raise bad(f"as_of is a position of the log or a date: {error}") from None
        if first > self.clock():
            raise bad(f"as_of {text!r} is in the future; leave it out for what holds now.")
        position = position_at(self.log, last, self.log.head())
        if position == 0:
            raise self._too_early(text)
        return position

    def _too_early(self, text: str) -> Problem:
        began = self.log.recorded(1)
        first = "the log is empty" if began is None else f"the first event was recorded on {rfc1123(began)}"
        return bad(f"as_of {text!r} is before there was anything: {first}.")
