"""What a command can be refused with: one class for each reason, each with a sentence for whoever gave it."""

from uuid import UUID

from deedbook.domain.lifecycle import State


class DeedbookError(Exception):
    """The base of every error that carries a sentence for its reader."""


class Refused(DeedbookError):
    """A command was refused, and nothing of it was recorded."""


class UnknownAction(Refused):
    """No action has this id, or it is not the caller's to see."""

    def __init__(self, action: UUID) -> None:
        super().__init__(f"There is no action {action}.")


class ActionExists(Refused):
    """Something else has this id: an action in another namespace, or no action at all."""

    def __init__(self, action: UUID) -> None:
        super().__init__(f"The id {action} is already taken, and not by an action in this namespace.")


class NotCancelable(Refused):
    """The action is in a state that can't be canceled."""

    def __init__(self, state: State) -> None:
        super().__init__(f"An action in state {state} can't be canceled; only Pending or In progress can.")


class CancelForbidden(Refused):
    """The recorder of this action forbade canceling it."""

    def __init__(self) -> None:
        super().__init__("Whoever recorded this action forbade canceling it.")


class NotRetriable(Refused):
    """The action has not ended."""

    def __init__(self, state: State) -> None:
        super().__init__(f"An action in state {state} can't be retried; wait until it has ended.")


class RetryForbidden(Refused):
    """The recorder of this action forbade retrying it."""

    def __init__(self) -> None:
        super().__init__("Whoever recorded this action forbade retrying it.")


class NotFinishable(Refused):
    """The lifecycle has no way from the action's state to the reported one."""

    def __init__(self, before: State, after: State) -> None:
        hint = {
            State.PENDING: "it has not started yet",
            State.IN_PROGRESS: "nobody asked to cancel it",
        }.get(before, "it has already ended")
        super().__init__(f"An action in state {before} can't be finished as {after}: {hint}.")


class OutputNotBegun(Refused):
    """The action is waiting, so it can't have written anything."""

    def __init__(self) -> None:
        super().__init__("A Pending action has no output yet; append it once the action is in progress.")


class OutputClosed(Refused):
    """The action has ended, and its output with it."""

    def __init__(self, state: State) -> None:
        super().__init__(f"The action has ended ({state}); its output takes no more lines.")


class OutputDiffers(Refused):
    """The output that an import brings does not begin with what is stored."""

    def __init__(self, action: UUID) -> None:
        super().__init__(
            f"The stored output of {action} is not the beginning of this one; load it without lines to keep that."
        )


class CycleRefused(Refused):
    """The new relationship would put an object above itself."""

    def __init__(self, parent: str, child: str) -> None:
        super().__init__(f"{child} is {parent}, or above it, so it can't be put below it.")


class UnknownRelationship(Refused):
    """The relationship to be ended does not hold."""

    def __init__(self, parent: str, child: str) -> None:
        super().__init__(f"{child} is not directly below {parent} now.")


class IdempotencyMismatch(Refused):
    """The idempotency key was used before, for something else."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The Idempotency-Key {key!r} was used before with another request; take a new one.")


class UnknownSearch(Refused):
    """Nothing is saved under this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no saved search {name!r}.")


class UnknownKey(Refused):
    """No API key has this id, or it was revoked before."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no API key {key}, or it was revoked before.")


class LostRace(Refused):
    """Others changed the same thing again and again while the command was tried."""

    def __init__(self) -> None:
        super().__init__("Others changed the same object at the same time; read it again and repeat.")


class Unavailable(DeedbookError):
    """The store can't take a command now. Nothing of it was recorded; it may be repeated."""


class QueueFull(Unavailable):
    """More commands wait than the writer takes in."""

    def __init__(self) -> None:
        super().__init__("Too many commands are waiting to be recorded; repeat in a second.")


class StoreClosed(Unavailable):
    """The store is being closed."""

    def __init__(self) -> None:
        super().__init__("The server is stopping; repeat with another one, or when it is back.")


class StoreFailed(Unavailable):
    """The database refused to write or to read: a full disk, a lost file, a broken one."""


class Unsettled(DeedbookError):
    """It is not known whether a command was recorded: the database was cut off while it committed."""

    def __init__(self) -> None:
        super().__init__(
            "The database was cut off while it committed, and could not be asked since: this may be recorded or not."
            " Look whether it is there, or repeat it with the same Idempotency-Key if it had one."
        )


class StoreUnusable(DeedbookError):
    """The store can't be opened at all: no store, of a newer version, or out of reach."""


class Undecodable(DeedbookError):
    """The log holds an event that this version can't read: `position` is where, `reason` says why."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"The event at position {position} can't be read: {reason}.")
        self.position = position
        self.reason = reason
