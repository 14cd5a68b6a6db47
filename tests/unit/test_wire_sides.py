"""The native protocol: whatever is cut or lost, each update is heard once and in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargehand_wire.framing import MAX_FRAME, ProtocolError, frame
from chargehand_wire.master_side import Lost, MasterEvent, MasterSide
from chargehand_wire.messages import (
    PROTOCOL_VERSION,
    Complete,
    Hello,
    Interrupt,
    Ping,
    Pong,
    Prepare,
    Prepared,
    Segment,
    Shutdown,
    StartCommand,
    Value,
    Welcome,
)
from chargehand_wire.numbering import WINDOW, RoomAgain
from chargehand_wire.worker_side import Abandoned, WorkerEvent, WorkerSide


@dataclass
class Wire:
    """A master and a worker, and the bytes that are on their way between them."""

    master: MasterSide = field(default_factory=MasterSide)
    worker: WorkerSide = field(
        default_factory=lambda: WorkerSide(name="w", incarnation="1", info={"version": "1"})
    )
    to_master: bytes = b""
    to_worker: bytes = b""
    heard: list[MasterEvent] = field(default_factory=list)
    ordered: list[WorkerEvent] = field(default_factory=list)

    def connect(self) -> None:
        """Lose what is on its way, and begin again."""
        self.to_master = self.to_worker = b""
        self.master.connect()
        self.worker.connect()
        self.collect()

    def collect(self) -> None:
        self.to_master += self.worker.take()
        self.to_worker += self.master.take()

    def carry(self, count: int, *, to_master: bool) -> list[MasterEvent]:
        """Let some bytes arrive; the master acknowledges nothing by itself."""
        events: list[MasterEvent] = []
        if to_master:
            data, self.to_master = self.to_master[:count], self.to_master[count:]
            events = self.master.receive(data)
            self.heard += events
        else:
            data, self.to_worker = self.to_worker[:count], self.to_worker[count:]
            self.ordered += self.worker.receive(data)
        self.collect()
        return events

    def settle(self) -> None:
        """Let everything arrive, and acknowledge all of it."""
        self.collect()
        while self.to_master or self.to_worker:
            for event in self.carry(len(self.to_master), to_master=True):
                self.acknowledge(event)
            self.carry(len(self.to_worker), to_master=False)

    def acknowledge(self, event: MasterEvent) -> None:
        if isinstance(event, (Segment, Value, Complete)):
            self.master.acknowledge(event.command_id, event.number)
            self.collect()


def connected() -> Wire:
    wire = Wire()
    wire.connect()
    wire.settle()
    wire.heard.clear()
    return wire


_actions = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("to_master"), st.integers(1, 200)),
    st.tuples(st.just("to_worker"), st.integers(1, 200)),
    st.tuples(st.just("acknowledge"), st.integers(0, 5)),
    st.tuples(st.just("lose"), st.none()),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_actions, max_size=80))
def test_no_update_is_lost_or_heard_twice(actions: list[tuple[str, Any]]) -> None:
    wire = connected()
    wire.master.start("a", "shell", {})
    wire.master.start("b", "shell", {})
    said: dict[str, list[int]] = {"a": [], "b": []}
    unacknowledged: list[MasterEvent] = []

    for action, value in actions:
        started = {event.command_id for event in wire.ordered if isinstance(event, StartCommand)}
        match action:
            case "say" if value in started:
                said[value].append(len(said[value]))
                wire.worker.value(value, "count", said[value][-1])
            case "to_master" | "to_worker":
                unacknowledged += wire.carry(value, to_master=action == "to_master")
            case "acknowledge" if unacknowledged:
                wire.acknowledge(unacknowledged[min(value, len(unacknowledged) - 1)])
            case "lose":
                wire.connect()
        wire.collect()
    for event in unacknowledged:
        wire.acknowledge(event)
    wire.connect()
    wire.settle()

    heard = [event for event in wire.heard if isinstance(event, Value)]
    for name, numbers in said.items():
        assert [event.value for event in heard if event.command_id == name] == numbers
    starts = [event.command_id for event in wire.ordered if isinstance(event, StartCommand)]
    assert sorted(starts) == ["a", "b"]


@given(st.lists(st.integers(1, 7)))
def test_messages_may_be_cut_anywhere(cuts: list[int]) -> None:
    wire = Wire()
    wire.connect()
    stream, wire.to_master = wire.to_master, b""

    for cut in [*cuts, len(stream)]:
        wire.to_master, stream = stream[:cut], stream[cut:]
        wire.carry(cut, to_master=True)

    assert [type(event) for event in wire.heard] == [Hello]


def test_a_command_ends_when_its_completion_is_acknowledged() -> None:
    wire = connected()
    wire.master.start("a", "shell", {"command": ["true"]})
    wire.settle()
    wire.worker.output("a", "stdio", b"zstd", 3, 70)
    wire.worker.value("a", "rc", 0)
    wire.worker.complete("a")

    wire.settle()
    wire.master.start("a", "shell", {})
    wire.settle()

    assert wire.heard == [
        Segment("a", 1, "stdio", b"zstd", 3, 70),
        Value("a", 2, "rc", 0),
        Complete("a", 3, None),
    ]
    assert len(wire.ordered) == 2


def test_a_command_may_not_be_started_twice() -> None:
    wire = connected()
    wire.master.start("a", "shell", {})

    with pytest.raises(ValueError, match="is already running"):
        wire.master.start("a", "shell", {})


def test_a_full_window_opens_with_an_acknowledgement() -> None:
    wire = connected()
    wire.master.start("a", "shell", {})
    wire.settle()
    for _ in range(4):
        assert wire.worker.has_room("a")
        wire.worker.output("a", "stdio", b"", 1, WINDOW // 4)
    assert not wire.worker.has_room("a")

    wire.collect()
    wire.carry(len(wire.to_master), to_master=True)
    wire.acknowledge(wire.heard[0])
    wire.carry(len(wire.to_worker), to_master=False)

    assert wire.worker.has_room("a")
    assert wire.ordered[-1] == RoomAgain("a")


def test_an_interruption_survives_a_lost_connection() -> None:
    wire = connected()
    wire.master.start("a", "shell", {})
    wire.settle()
    wire.connect()
    wire.master.interrupt("a", "because")

    wire.settle()

    assert wire.ordered[-1] == Interrupt("a", "because")


def test_commands_of_a_worker_that_was_started_anew_are_lost() -> None:
    wire = connected()
    wire.master.start("a", "shell", {})
    wire.settle()
    wire.worker = WorkerSide(name="w", incarnation="2", info={})

    wire.connect()
    wire.settle()

    assert wire.heard[-1] == Lost("a")


def test_commands_that_the_master_does_not_know_are_abandoned() -> None:
    wire = connected()
    wire.master.start("a", "shell", {})
    wire.settle()
    wire.master = MasterSide()

    wire.connect()
    wire.settle()

    assert wire.ordered[-1] == Abandoned("a")
    assert wire.worker.has_room("a")


def test_orders_and_answers_go_both_ways() -> None:
    wire = connected()

    wire.master.prepare(7, ["b"])
    wire.master.ping(8)
    wire.master.shutdown()
    wire.settle()
    wire.worker.prepared(7, "no")
    wire.settle()

    assert wire.ordered == [Prepare(7, ("b",)), Shutdown()]
    assert wire.heard == [Pong(8), Prepared(7, "no")]


@pytest.mark.parametrize(
    "stream",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        (MAX_FRAME + 1).to_bytes(4, "big"),
        b"\0\0\0\x01\xc1",
        b"\0\0\0\x02\x91\x63",
        frame(Pong(1)),
        frame(Hello(99, "w", "1", {})),
        frame(Hello(PROTOCOL_VERSION, "w", "1", {})) * 2,
    ],
)
def test_a_stranger_is_turned_away_by_the_master(stream: bytes) -> None:
    master = MasterSide()

    with pytest.raises(ProtocolError):
        master.receive(stream)


@pytest.mark.parametrize("stream", [frame(Ping(1)), frame(Welcome(99, {})), b"\0\0\0\x01x"])
def test_a_stranger_is_turned_away_by_the_worker(stream: bytes) -> None:
    worker = WorkerSide(name="w", incarnation="1", info={})
    worker.connect()

    with pytest.raises(ProtocolError):
        worker.receive(stream)


def test_a_gap_in_the_numbers_is_an_error() -> None:
    wire = connected()
    wire.master.start("a", "shell", {})
    wire.settle()

    with pytest.raises(ProtocolError, match="came after 0"):
        wire.master.receive(frame(Value("a", 2, "rc", 0)))
