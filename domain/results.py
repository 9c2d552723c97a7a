"""What can be asked of the log, and what each command comes to."""

from uuid import UUID

from msgspec import Struct

from deedbook.domain.action import Action
from deedbook.domain.commands import (
    AppendOutput,
    DeleteSearch,
    EndParent,
    Finish,
    ImportAction,
    IssueKey,
    NoteUses,
    RecordAction,
    RequestCancel,
    Retry,
    RevokeKey,
    SaveSearch,
    StateParent,
)
from deedbook.domain.keys import ApiKey


class Recorded(Struct, frozen=True, tag="recorded"):
    """An action as it is after the command."""

    action: Action


class Imported(Struct, frozen=True, tag="imported"):
    """Whether an import added anything: a new action, or the end of one that was open."""

    id: UUID
    added: bool


class Appended(Struct, frozen=True, tag="appended"):
    """The number of the first line that was added, and how many were."""

    first: int
    count: int


class Related(Struct, frozen=True, tag="related"):
    """A relationship that holds now (`held` before already), or that has ended."""

    parent: str
    child: str
    held: bool


class SearchChanged(Struct, frozen=True, tag="search"):
    """A search that was saved, or deleted; `was_there`: something was kept under its name before."""

    name: str
    was_there: bool


class KeyChanged(Struct, frozen=True, tag="key"):
    """An API key that was issued or revoked."""

    key: ApiKey


class Noted(Struct, frozen=True, tag="noted"):
    """Something was noted beside the log."""


Result = Recorded | Imported | Appended | Related | SearchChanged | KeyChanged | Noted
Command = (
    RecordAction
    | ImportAction
    | RequestCancel
    | Retry
    | Finish
    | AppendOutput
    | StateParent
    | EndParent
    | SaveSearch
    | DeleteSearch
    | IssueKey
    | RevokeKey
    | NoteUses
)


class Answer(Struct, frozen=True):
    """What a command came to, and the position that the log had after it."""

    result: Result
    position: int
