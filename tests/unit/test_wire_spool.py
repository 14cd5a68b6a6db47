"""While there is no connection, output goes to disk; nothing of it is lost or doubled."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargehand_wire.master_side import MasterSide
from chargehand_wire.messages import Complete, Segment
from chargehand_wire.numbering import WINDOW, RoomAgain
from chargehand_wire.worker_side import WorkerSide
from chargehand_worker.spool import DiskSpool

SIZE = WINDOW // 4
"""What a segment weighs; its data are short."""


class House:
    """A worker with a spool, and its master."""

    def __init__(self, directory: Path, *, limit: int = 10**6) -> None:
        self.spool = DiskSpool(directory, limit)
        self.worker = WorkerSide(name="w", incarnation="1", info={}, spool=self.spool)
        self.master = MasterSide()
        self.said = 0
        self.log: list[bytes] = []
        self.events: list[object] = []
        self.received = 0
        self.connect()
        self.master.start("c", "shell", {})
        self.carry()

    def connect(self) -> None:
        self.master.connect()
        self.worker.connect()

    def cut(self) -> None:
        self.master.disconnect()
        self.events += self.worker.disconnect()

    def say(self) -> bool:
        """Say the next line, if there is room."""
        if not self.worker.has_room("c"):
            return False
        self.said += 1
        self.worker.output("c", "stdio", b"%d" % self.said, 1, SIZE)
        return True

    def carry(self, *, acknowledge: bool = True) -> None:
        """Carry everything in both directions, until nobody has anything to say."""
        is_first = True
        while (data := self.worker.take()) or is_first:
            is_first = False
            for update in self.master.receive(data):
                if isinstance(update, Segment):
                    self.log.append(update.data)
                if isinstance(update, Segment | Complete):
                    self.received = update.number
            if acknowledge and self.received:
                self.master.acknowledge("c", self.received)
            self.events += self.worker.receive(self.master.take())

    @property
    def expected(self) -> list[bytes]:
        return [b"%d" % number for number in range(1, self.said + 1)]


@settings(max_examples=60)
@given(steps=st.lists(st.sampled_from(["say", "say", "say", "cut", "connect", "carry", "half"])))
def test_everything_arrives_once_and_in_order(tmp_path_factory, steps: list[str]):
    house = House(tmp_path_factory.mktemp("spool"))
    is_connected = True
    for step in steps:
        if step == "say":
            house.say()
        elif step == "cut":
            house.cut()
            is_connected = False
        elif step == "connect":
            house.connect()
            is_connected = True
        elif is_connected:
            house.carry(acknowledge=step == "carry")
    house.worker.complete("c")
    house.cut()
    house.connect()
    house.carry()

    assert house.log == house.expected
    assert house.worker.is_idle
    assert house.spool.is_empty


def test_a_command_waits_for_a_slow_master_and_not_for_one_that_is_gone(tmp_path: Path):
    house = House(tmp_path)
    while house.say():
        pass
    assert house.said == 4

    house.cut()
    assert house.events[-1] == RoomAgain("c")
    for _ in range(100):
        assert house.say()
    house.connect()
    house.carry(acknowledge=False)

    assert not house.say()
    house.carry()
    assert house.log == house.expected
    assert house.say()


def test_no_more_than_the_window_is_under_way_after_a_long_cut(tmp_path: Path):
    house = House(tmp_path)
    house.cut()
    for _ in range(50):
        house.say()
    house.connect()
    house.carry(acknowledge=False)

    assert len(house.log) == 4


def test_a_spool_that_is_full_lets_commands_wait(tmp_path: Path):
    house = House(tmp_path, limit=100)
    house.cut()
    while house.say():
        pass

    assert 4 < house.said < 20
    house.connect()
    house.carry()
    assert house.log == house.expected


def test_a_full_disk_costs_nothing(tmp_path: Path):
    house = House(tmp_path)
    house.cut()
    with _largest_file(40):
        while house.say():
            pass

    assert 4 < house.said < 20
    house.connect()
    house.carry()
    assert house.log == house.expected


def test_a_spool_is_private_and_leaves_nothing_behind(tmp_path: Path):
    spool = DiskSpool(tmp_path, 1000)
    first, second = spool.put(b"first"), spool.put(b"second")
    assert first is not None
    assert second is not None

    assert (spool.get(second), spool.get(first)) == (b"second", b"first")
    spool.release(first)
    spool.release(second)

    assert spool.is_empty
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="damaged"):
        spool.get(first)


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
