"""What each command does to the log: one function for each, and a table of them.

The writer calls `perform`, in its transaction, for one command after the other.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from deedbook.domain import action as actions
from deedbook.domain import lane as lanes
from deedbook.domain import relationship as relationships
from deedbook.domain import saved_search as searches
from deedbook.domain.action import Action, Facts
from deedbook.domain.commands import (
    AppendOutput,
    DeleteSearch,
    EndParent,
    Finish,
    ImportAction,
    IssueKey,
    NoteUses,
    Once,
    RecordAction,
    RequestCancel,
    Retry,
    RevokeKey,
    SaveSearch,
    StateParent,
)
from deedbook.domain.errors import (
    ActionExists,
    IdempotencyMismatch,
    OutputDiffers,
    Undecodable,
    UnknownAction,
    UnknownKey,
    UnknownRelationship,
    UnknownSearch,
)
from deedbook.domain.events import (
    ActionEnded,
    ActionEvent,
    ActionStarted,
    Caller,
    LaneEntered,
    ParentEnded,
    ParentStated,
    SearchDeleted,
    SearchSaved,
)
from deedbook.domain.keys import ApiKey, Role
from deedbook.domain.lifecycle import RUNNING, State
from deedbook.domain.output import OutputEnd, OutputLine, chain
from deedbook.domain.results import (
    Answer,
    Appended,
    Command,
    Imported,
    KeyChanged,
    Noted,
    Recorded,
    Related,
    Result,
    SearchChanged,
)
from deedbook.domain.session import Batch, Remembered, Session

_RESULTS: msgspec.json.Decoder[Result] = msgspec.json.Decoder(Result)


def _result(remembered: Remembered) -> Result:
    try:
        return _RESULTS.decode(remembered.result)
    except (msgspec.MsgspecError, RecursionError) as error:
        # A newer version beside this one gave an answer of a kind that this one does not know.
        raise Undecodable(remembered.position, f"what its Idempotency-Key was answered is unknown ({error})") from error


def perform(batch: Batch, command: Command, once: Once | None) -> Answer:
    """Decide a command inside a batch; what it added is in the batch when this returns, and nothing where it raises.

    A command whose idempotency key was used before is not decided again: its first answer is given.
    """
    if once is not None:
        remembered = batch.answers.get((once.namespace, once.key)) or batch.past.remembered(once)
        if remembered is not None:
            if remembered.request != once.request:
                raise IdempotencyMismatch(once.key)
            return Answer(_result(remembered), remembered.position)
    session = Session(batch)
    result = _DECISIONS[type(command)](session, command)
    position = batch.merge(session)
    if once is not None:
        remembered = Remembered(once.request, msgspec.json.encode(result), position)
        batch.answers[once.namespace, once.key] = remembered
    return Answer(result, position)


def _record(session: Session, command: RecordAction) -> Recorded:
    for parent in command.parents:
        _state_parent(session, StateParent(
            namespace=command.namespace, parent=parent, child=command.object, by=command.by
        ))  # fmt: skip
    is_free = command.state is not State.PENDING or _lane_of(session, command).is_free
    above = session.above(command.namespace, command.object)
    recorded = actions.record(command, Facts(session.now, above, is_free))
    if recorded.lane:
        lane = lanes.lane_id(command.namespace, command.object)
        session.add_to_lane(lane, LaneEntered(
            at=session.now, namespace=command.namespace, object=command.object, action=command.id,
            waiting=recorded.state is State.PENDING,
        ))  # fmt: skip
    return Recorded(session.begin_action(command.id, recorded))


def _import(session: Session, command: ImportAction) -> Imported:
    action = session.action(command.id)
    if action is not None:
        if action.recorded.namespace != command.namespace:
            raise ActionExists(command.id)
        happened = actions.decide(action, command, _facts(session, action))
        if happened and isinstance(happened[-1], ActionEnded):
            session.add_lines(command.id, _rest_of_output(session, command))
            # Once more: the end tells how many lines there are.
            happened = actions.decide(action, command, _facts(session, action))
        _happen(session, action, happened)
        return Imported(command.id, bool(happened))
    if session.is_begun(command.id):
        raise ActionExists(command.id)
    above = session.above(command.namespace, command.object)
    for parent in command.parents if command.object else ():
        if parent not in above:
            _state_parent(session, StateParent(
                namespace=command.namespace, parent=parent, child=command.object, by=command.by
            ))  # fmt: skip
            above = session.above(command.namespace, command.object)
    lines = list(chain(command.id, OutputEnd(), command.lines, session.now))
    end = OutputEnd(len(lines), lines[-1].digest) if lines else OutputEnd()
    facts = Facts(session.now, lines=end.lines, digest=end.digest)
    session.begin_action(command.id, actions.import_(command, facts))
    session.add_lines(command.id, lines)
    return Imported(command.id, added=True)


def _rest_of_output(session: Session, command: ImportAction) -> list[OutputLine]:
    """Return what an import brings of an action's output behind that which is stored.

    Lines without a timestamp have got one of the time when they were stored: they are only counted.
    """
    end = session.output_end(command.id)
    stored, rest = command.lines[: end.lines], command.lines[end.lines :]
    if command.lines and len(stored) < end.lines:
        raise OutputDiffers(command.id)
    if stored and all(line.timestamp is not None for line in stored):
        *_, last = chain(command.id, OutputEnd(), stored, session.now)
        if last.digest != end.digest:
            raise OutputDiffers(command.id)
    return list(chain(command.id, end, rest, session.now))


def _change(session: Session, command: RequestCancel | Finish) -> Recorded:
    action = _visible(session, command.id, command.namespace)
    return Recorded(_happen(session, action, actions.decide(action, command, _facts(session, action))))


def _retry(session: Session, command: Retry) -> Recorded:
    action = _visible(session, command.id, command.namespace)
    _happen(session, action, actions.decide(action, command, Facts(session.now)))
    return _record(session, actions.again(action, command))


def _append_output(session: Session, command: AppendOutput) -> Appended:
    action = _visible(session, command.id, command.namespace)
    actions.decide(action, command, Facts(session.now))
    end = session.output_end(command.id)
    session.add_lines(command.id, list(chain(command.id, end, command.lines, session.now)))
    return Appended(end.lines + 1, len(command.lines))


def _state_parent(session: Session, command: StateParent) -> Related:
    aggregate = relationships.relationship_id(command.namespace, command.child)
    if command.parent in session.relationship(aggregate).parents:
        return Related(command.parent, command.child, held=True)
    relationships.refuse_cycle(command.parent, command.child, session.parents_of(command.namespace))
    session.add_to_relationship(aggregate, ParentStated(
        at=session.now, namespace=command.namespace, child=command.child, parent=command.parent, by=command.by
    ))  # fmt: skip
    return Related(command.parent, command.child, held=False)


def _end_parent(session: Session, command: EndParent) -> Related:
    aggregate = relationships.relationship_id(command.namespace, command.child)
    if command.parent not in session.relationship(aggregate).parents:
        raise UnknownRelationship(command.parent, command.child)
    session.add_to_relationship(aggregate, ParentEnded(
        at=session.now, namespace=command.namespace, child=command.child, parent=command.parent, by=command.by
    ))  # fmt: skip
    return Related(command.parent, command.child, held=True)


def _save_search(session: Session, command: SaveSearch) -> SearchChanged:
    aggregate = searches.search_id(command.namespace, command.name)
    was_there = session.search(aggregate).query is not None
    session.add_to_search(aggregate, SearchSaved(
        at=session.now, namespace=command.namespace, name=command.name, query=command.query, by=command.by
    ))  # fmt: skip
    return SearchChanged(command.name, was_there)


def _delete_search(session: Session, command: DeleteSearch) -> SearchChanged:
    aggregate = searches.search_id(command.namespace, command.name)
    if session.search(aggregate).query is None:
        raise UnknownSearch(command.name)
    session.add_to_search(aggregate, SearchDeleted(
        at=session.now, namespace=command.namespace, name=command.name, by=command.by
    ))  # fmt: skip
    return SearchChanged(command.name, was_there=True)


def _issue_key(session: Session, command: IssueKey) -> KeyChanged:
    key = ApiKey(
        id=command.id,
        user=command.user,
        namespace=command.namespace,
        role=Role(command.role),
        secret_hash=command.secret_hash,
        created=session.now,
    )
    session.issued.append(key)
    _record(session, _about_key("API Key Issue", "POST", key, command.action, command.by))
    return KeyChanged(key)


def _revoke_key(session: Session, command: RevokeKey) -> KeyChanged:
    key = session.api_key(command.id)
    if key is None:
        raise UnknownKey(str(command.id))
    session.revoked.append(key.id)
    _record(session, _about_key("API Key Revoke", "DELETE", key, command.action, command.by))
    return KeyChanged(msgspec.structs.replace(key, revoked=session.now))


def _note_uses(session: Session, command: NoteUses) -> Noted:
    for use in command.uses:
        session.used[use.key] = max(use.at, session.used.get(use.key, use.at))
    return Noted()


def _about_key(operation: str, method: str, key: ApiKey, action: UUID, by: Caller) -> RecordAction:
    """Return the action that tells the admins what was done with a key."""
    uri = f"/api/audit/v1/key/{key.id}/"
    told = {"id": str(key.id), "user": key.user, "namespace": key.namespace, "role": str(key.role)}
    return RecordAction(
        id=action,
        namespace=IssueKey.NAMESPACE,
        by=by,
        action=operation,
        method=method,
        path=uri if method == "DELETE" else "/api/audit/v1/key/",
        state=State.SUCCESS,
        object=uri,
        body=msgspec.json.encode(told).decode(),
        user=by.user,
        user_agent=by.agent,
        ip=by.address,
        location="unknown",
        can_be_canceled=False,
        can_be_retried=False,
    )


def _visible(session: Session, action: UUID, namespace: str | None) -> Action:
    found = session.action(action)
    if found is None or (namespace is not None and found.recorded.namespace != namespace):
        raise UnknownAction(action)
    return found


def _facts(session: Session, action: Action) -> Facts:
    lines, digest = session.output_end(action.id)
    return Facts(session.now, lines=lines, digest=digest)


def _happen(session: Session, action: Action, happened: list[ActionEvent]) -> Action:
    """Let events happen to an action; one that ended leaves its lane, and the next there starts."""
    if not happened:
        return action
    after = session.add_to_action(action.id, *happened)
    ended = happened[-1]
    if isinstance(ended, ActionEnded) and action.recorded.lane:
        lane = lanes.lane_id(action.recorded.namespace, action.recorded.object)
        left = lanes.leave(session.lane(lane), action.id, session.now)
        session.add_to_lane(lane, *left)
        for started in left[1:]:
            after_whom = action.id if action.state in RUNNING else None
            session.add_to_action(started.action, ActionStarted(at=session.now, by=ended.by, after=after_whom))
    return after


def _lane_of(session: Session, command: RecordAction) -> lanes.Lane:
    return session.lane(lanes.lane_id(command.namespace, command.object))


# Any: each function takes the one command type that it stands under, which no type of a dict can say.
_DECISIONS: dict[type[Any], Callable[[Session, Any], Result]] = {
    RecordAction: _record,
    ImportAction: _import,
    RequestCancel: _change,
    Finish: _change,
    Retry: _retry,
    AppendOutput: _append_output,
    StateParent: _state_parent,
    EndParent: _end_parent,
    SaveSearch: _save_search,
    DeleteSearch: _delete_search,
    IssueKey: _issue_key,
    RevokeKey: _revoke_key,
    NoteUses: _note_uses,
}
