"""Every error of the API: its status, and one sentence in ASCII that says what to do."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from deedbook.domain import errors
from deedbook.projections.generations import AlreadyBuilding

#: The status of everything that a command can be refused with; a class stands for those below it.
STATUS: Mapping[type[errors.DeedbookError], int] = {
    errors.UnknownAction: 404,
    errors.UnknownRelationship: 404,
    errors.UnknownSearch: 404,
    errors.UnknownKey: 404,
    errors.ActionExists: 409,
    errors.NotCancelable: 409,
    errors.CancelForbidden: 409,
    errors.NotRetriable: 409,
    errors.RetryForbidden: 409,
    errors.NotFinishable: 409,
    errors.OutputNotBegun: 409,
    errors.OutputClosed: 409,
    errors.OutputDiffers: 409,
    errors.CycleRefused: 409,
    errors.LostRace: 409,
    errors.IdempotencyMismatch: 422,
    AlreadyBuilding: 409,
    errors.Unavailable: 503,
    errors.Unsettled: 503,
    errors.Undecodable: 503,
}

#: Seconds after which a refused request may be worth repeating.
RETRY_AFTER = "1"

#: What may be asked again as it is.
_PASSES = frozenset({429, 503})

#: Where a word begins within the name of a class.
_WORD = re.compile(r"(?<!^)(?=[A-Z])")

#: A sentence is cut after so many characters: it may quote what it was sent.
_LONGEST = 600


class Problem(Exception):
    """A request that can't be answered: with this status, for this reason.

    `reason` is a word for what was only refused for now, by which it is counted.
    """

    def __init__(
        self, status: int, sentence: str, headers: Mapping[str, str] | None = None, *, reason: str = "other"
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers or {}
        self.reason = reason


class Refusals:
    """Counts what was refused for now, by status and reason: whoever asked may come again."""

    def __init__(self) -> None:
        self._counted: Counter[tuple[int, str]] = Counter()

    def note(self, problem: Problem) -> None:
        """Count a problem, where it is one that passes."""
        if problem.status in _PASSES:
            self._counted[problem.status, problem.reason] += 1

    def __iter__(self) -> Iterator[tuple[tuple[int, str], int]]:
        """All that was counted; from any thread."""
        return iter(list(self._counted.items()))


def problem_of(error: errors.DeedbookError) -> Problem:
    """Return how a refusal is answered."""
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    headers = {"Retry-After": RETRY_AFTER} if status == 503 else {}  # noqa: PLR2004  # as in the table above
    return Problem(status, str(error), headers, reason=_WORD.sub("_", type(error).__name__).lower())


def body_of(sentence: str) -> bytes:
    """Return the JSON of an error: printable ASCII, since some clients print it to terminals that know nothing else."""
    if len(sentence) > _LONGEST:
        sentence = f"{sentence[:_LONGEST]}..."
    shown = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in sentence)
    return msgspec.json.encode({"error": shown.encode("ascii", "backslashreplace").decode()})


def bad(sentence: str) -> Problem:
    """Return the problem of a wrong body or parameter."""
    return Problem(400, sentence)


def not_found(what: str) -> Problem:
    """Return the problem of something that is not there, or not the caller's to see."""
    return Problem(404, f"There is no {what}.")
