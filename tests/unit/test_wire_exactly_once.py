"""Cut anywhere, connected again, masters killed between an append and its acknowledgement:
each update is kept once, in order."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from chargehand_wire.framing import FrameReader
from chargehand_wire.master_side import MasterSide
from chargehand_wire.messages import Complete, FromWorker, Hello, Input, Segment, StartCommand
from chargehand_wire.worker_side import WorkerSide

_decoder: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(FromWorker)


@dataclass
class House:
    """A worker, the masters that come and go, and the log that outlives them."""

    worker: WorkerSide
    master: MasterSide = field(default_factory=MasterSide)
    to_master: bytes = b""
    to_worker: bytes = b""
    log: dict[str, list[tuple[int, bytes]]] = field(default_factory=lambda: {"a": [], "b": []})
    waiting: list[Segment | Complete] = field(default_factory=list)
    fed: dict[str, list[bytes]] = field(default_factory=lambda: {"a": [], "b": []})
    used: dict[str, list[bytes]] = field(default_factory=lambda: {"a": [], "b": []})
    input: list[Input] = field(default_factory=list)
    started: set[str] = field(default_factory=set)
    is_first_master: bool = True

    def connect(self) -> None:
        """Lose what is on its way, and connect again."""
        self.to_master = self.to_worker = b""
        self.master.connect()
        self.worker.connect()
        self.collect()

    def restart_master(self) -> None:
        """Kill the master; the next one adopts what the worker says hello with."""
        self.master = MasterSide()
        self.waiting.clear()
        self.is_first_master = False
        self.connect()
        (hello,) = FrameReader[FromWorker](_decoder).feed(self.to_master)
        assert isinstance(hello, Hello)
        for kept in hello.commands:
            self.master.adopt(kept)

    def collect(self) -> None:
        self.to_master += self.worker.take()
        self.to_worker += self.master.take()

    def carry_to_master(self, count: int) -> None:
        data, self.to_master = self.to_master[:count], self.to_master[count:]
        events = self.master.receive(data)
        self.waiting += [one for one in events if isinstance(one, Segment | Complete)]
        self.collect()

    def carry_to_worker(self, count: int) -> None:
        data, self.to_worker = self.to_worker[:count], self.to_worker[count:]
        for event in self.worker.receive(data):
            if isinstance(event, StartCommand):
                self.started.add(event.command_id)
            elif isinstance(event, Input):
                self.input.append(event)
        self.collect()

    def append(self, *, acknowledge: bool) -> None:
        """Make the next update durable, unless it is; the master may die before it says so."""
        update = self.waiting[0]
        if isinstance(update, Segment):
            log = self.log[update.command_id]
            if not log or update.number > log[-1][0]:
                log.append((update.number, update.data))
        if acknowledge:
            self.waiting.pop(0)
            self.master.acknowledge(update.command_id, update.number)
            self.collect()

    def use_input(self) -> None:
        """The command reads what it was fed with."""
        message = self.input.pop(0)
        self.used[message.command_id].append(message.data)
        self.worker.consumed(message.command_id, message.number)
        self.collect()

    def settle(self) -> None:
        self.connect()
        while self.to_master or self.to_worker or self.waiting or self.input:
            self.carry_to_master(len(self.to_master))
            self.carry_to_worker(len(self.to_worker))
            while self.waiting:
                self.append(acknowledge=True)
            while self.input:
                self.use_input()


_actions = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("feed"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("to_master"), st.integers(1, 200)),
    st.tuples(st.just("to_worker"), st.integers(1, 200)),
    st.tuples(st.sampled_from(["append", "acknowledge", "use", "cut", "restart"]), st.none()),
)


def _play(actions: list[tuple[str, str | int | None]], *, restarts: bool) -> None:
    house = House(WorkerSide(name="w", incarnation="1", info={}))
    house.connect()
    house.carry_to_master(len(house.to_master))
    house.master.start("a", "shell", {})
    house.master.start("b", "shell", {})
    house.collect()
    house.carry_to_worker(len(house.to_worker))
    said: dict[str, list[bytes]] = {"a": [], "b": []}
    for action, value in actions:
        match action, value:
            case "say", str(name) if name in house.started:
                said[name].append(f"{name}{len(said[name])}".encode())
                house.worker.output(name, "stdio", said[name][-1], 1, 3)
            case "feed", str(name) if house.is_first_master:
                house.fed[name].append(f"{name}{len(house.fed[name])}".encode())
                house.master.feed(name, house.fed[name][-1])
            case "to_master", int(count):
                house.carry_to_master(count)
            case "to_worker", int(count):
                house.carry_to_worker(count)
            case (("append" | "acknowledge"), None) if house.waiting:
                house.append(acknowledge=action == "acknowledge")
            case "use", None if house.input:
                house.use_input()
            case "cut", None:
                house.connect()
            case "restart", None if restarts:
                house.restart_master()
        house.collect()
    house.worker.complete("a")
    house.worker.complete("b")

    house.settle()

    assert {name: [data for _, data in log] for name, log in house.log.items()} == said
    if house.is_first_master:
        assert house.used == house.fed
    else:
        for name, used in house.used.items():
            assert used == house.fed[name][: len(used)]


@settings(max_examples=300, deadline=None)
@given(st.lists(_actions, max_size=80))
def test_whatever_is_cut_each_update_and_each_input_is_had_once(
    actions: list[tuple[str, str | int | None]],
) -> None:
    _play(actions, restarts=False)


@settings(max_examples=300, deadline=None)
@given(st.lists(_actions, max_size=80))
def test_whichever_master_is_killed_each_update_is_kept_once(
    actions: list[tuple[str, str | int | None]],
) -> None:
    _play(actions, restarts=True)
