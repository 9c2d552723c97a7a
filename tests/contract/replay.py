"""Lanes, replayed from the log by the rules of the contract and nothing of the domain's own code but its events."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from deedbook.domain.events import (
    ActionEnded,
    ActionRecorded,
    ActionStarted,
    LaneEntered,
    LaneLeft,
    LaneStarted,
)
from deedbook.domain.lifecycle import State
from deedbook.domain.log import Happened


@dataclass
class Replay:
    """What runs and what waits on each object, found twice: from the lanes' events, and from the actions' own."""

    running: dict[UUID, list[UUID]] = field(default_factory=dict)
    waiting: dict[UUID, list[UUID]] = field(default_factory=dict)
    states: dict[UUID, State] = field(default_factory=dict)
    started: list[UUID] = field(default_factory=list)
    lane_of: dict[UUID, UUID] = field(default_factory=dict)
    most_running: int = 0

    def read(self, log: Iterable[Happened]) -> "Replay":
        """Replay a log; raise AssertionError where it breaks a rule."""
        for happened in log:
            self._lane(happened)
            self._action(happened)
            self.most_running = max([self.most_running, *map(len, self.running.values())])
        self._agrees()
        return self

    def _lane(self, happened: Happened) -> None:
        lane, event = happened.aggregate, happened.event
        running, waiting = self.running.setdefault(lane, []), self.waiting.setdefault(lane, [])
        if isinstance(event, LaneEntered):
            assert not event.waiting or running or waiting, "it waits although the lane is free"
            (waiting if event.waiting else running).append(event.action)
            self.lane_of[event.action] = lane
        elif isinstance(event, LaneStarted):
            assert not running, "started although another runs"
            assert waiting[0] == event.action, "started out of turn"
            running.append(waiting.pop(0))
            self.started.append(event.action)
        elif isinstance(event, LaneLeft):
            (running if event.action in running else waiting).remove(event.action)

    def _action(self, happened: Happened) -> None:
        action, event = happened.aggregate, happened.event
        if isinstance(event, ActionRecorded):
            assert action not in self.states
            self.states[action] = event.state
        elif isinstance(event, ActionStarted):
            assert self.states[action] is State.PENDING
            assert action in self.running[self.lane_of[action]], "started without its lane"
            assert event.after is not None
            assert self.states[event.after] in (State.SUCCESS, State.FAILED, State.CANCELED)
            self.states[action] = State.IN_PROGRESS
        elif isinstance(event, ActionEnded):
            self.states[action] = event.state

    def _agrees(self) -> None:
        """Both ways find the same: whoever runs in a lane is in progress, whoever waits there is pending."""
        for action, lane in self.lane_of.items():
            is_running, is_waiting = action in self.running[lane], action in self.waiting[lane]
            assert is_waiting == (self.states[action] is State.PENDING)
            assert is_running == (self.states[action] in (State.IN_PROGRESS, State.CANCELING))
        for lane, waiting in self.waiting.items():
            assert self.running[lane] or not waiting, "something waits for nothing"
