"""The whole life of a store: a history of actions, and all that is kept beside their events."""

from uuid import UUID

from hypothesis import strategies as st
from msgspec import Struct

from deedbook.domain.audit_log import AuditLog
from deedbook.domain.commands import AppendOutput, Finish, IssueKey, Line, Once, RecordAction, RevokeKey
from deedbook.domain.errors import DeedbookError
from deedbook.domain.keys import Role
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from deedbook.domain.testing.sequences import BY, STEPS, Step, command_of

#: Four on one object, of which two end, whatever comes then: so that some actions start in each history.
WAITING = Step(
    RecordAction,
    {
        "namespace": "acme", "by": BY, "action": "Scale", "method": "POST", "path": "/", "object": "/a/",
        "state": State.PENDING,
    },
)  # fmt: skip
RUNNING = Step(RecordAction, {**WAITING.fields, "object": "", "state": State.IN_PROGRESS})
ENDING = [Step(Finish, {"namespace": None, "by": BY, "state": State.SUCCESS}, target) for target in (3, 2)]


class Deed(Struct, frozen=True):
    """Something that is done to a store: a step of a history, or output, or something with an API key.

    `target` names one of the actions or keys that are there; `once` is its idempotency key.
    """

    kind: type
    step: Step | None = None
    target: int = 0
    lines: tuple[Line, ...] = ()
    once: str | None = None


_LINE = st.builds(
    Line,
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=8),
    st.none() | st.integers(0, 2**40),
)
_ONCE = st.none() | st.sampled_from(["one", "two", "três", "\x00"])
_OUTPUT = st.builds(
    Deed,
    st.just(AppendOutput),
    st.none(),
    st.integers(0, 30),
    st.lists(_LINE, min_size=1, max_size=3).map(tuple),
    _ONCE,
)
_ISSUE = st.builds(Deed, st.just(IssueKey))
_REVOKE = st.builds(Deed, st.just(RevokeKey), st.none(), st.integers(0, 5))
_STEP = st.builds(Deed, st.just(Step), STEPS, once=_ONCE)

DEEDS = st.lists(st.one_of(_STEP, _STEP, _STEP, _OUTPUT, _OUTPUT, _ISSUE, _REVOKE), max_size=12)


#: A life with some of everything in it, also a line of output and a revocation without an event of the action's own.
SOME = [
    *(Deed(Step, step) for step in (WAITING, WAITING, WAITING, RUNNING)),
    Deed(AppendOutput, lines=(Line("ünï\x00cödé", 7), Line("")), once="one"),
    Deed(IssueKey),
    *(Deed(Step, ending) for ending in ENDING),
    Deed(RevokeKey),
    Deed(AppendOutput, target=3, lines=(Line("last"),), once="two"),
]


class Life:
    """Does deeds to a store; what it refuses leaves no trace."""

    def __init__(self, audit_log: AuditLog, number: int = 0) -> None:
        """Live behind a number: the ids of two lives differ where their numbers do."""
        self._audit_log = audit_log
        self._number = number
        self._recorded: list[UUID] = []
        self._keys: list[UUID] = []

    def go_on(self, deeds: list[Deed]) -> None:
        """Do some more."""
        for deed in deeds:
            self._number += 1
            command = self._command(deed)
            if command is not None:
                once = None if deed.once is None else Once("acme", f"{deed.once} {self._number // 100}", b"request")
                try:
                    self._audit_log.perform(command, once)
                except DeedbookError:
                    continue

    def _command(self, deed: Deed) -> Command | None:
        if deed.step is not None:
            return command_of(deed.step, self._number, self._recorded)
        fresh = UUID(int=self._number << 64 | 0x4000 << 64 | 0x8000000000000010)
        if deed.kind is IssueKey:
            self._keys.append(fresh)
            return IssueKey(
                id=fresh,
                action=UUID(int=fresh.int | 1),
                user="ann",
                namespace="acme",
                role=str(Role.AUDITOR),
                secret_hash=fresh.bytes,
                by=BY,
            )
        among = self._keys if deed.kind is RevokeKey else self._recorded
        if not among:
            return None
        target = among[deed.target % len(among)]
        if deed.kind is RevokeKey:
            return RevokeKey(id=target, action=fresh, by=BY)
        return AppendOutput(id=target, namespace=None, lines=deed.lines)
