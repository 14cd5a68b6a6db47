"""Any value of a command either arrives, or fails that command alone before anything is said."""

from __future__ import annotations

import contextlib
import re
import struct
from collections import OrderedDict
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chargehand_wire.framing import MAX_FRAME, ProtocolError
from chargehand_wire.master_side import MasterSide
from chargehand_wire.messages import Complete, Prepared, StartCommand, Value
from chargehand_wire.values import Unsendable, portable
from chargehand_wire.worker_side import WorkerSide


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Colour(Enum):
    RED = "red"


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | ANY_TEXT
    | st.binary(max_size=12)
    | ANY_TEXT.map(Text)
    | st.integers(-(2**70), 2**70).map(Number)
    | st.sampled_from([Colour.RED, Decimal("1.5"), Path("x"), object(), 3j, len, range(3)])
)
KEYS = SCALARS | st.tuples(SCALARS, SCALARS) | st.frozensets(ANY_TEXT)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.dictionaries(ANY_TEXT, inner, max_size=4).map(OrderedDict)
        | st.sets(ANY_TEXT, max_size=3)
    ),
    max_leaves=12,
)


def as_it_arrives(value: Any) -> Any:
    """What the receiver has for a value: the plain kinds of MessagePack."""
    match value:
        case dict():
            return {_as_key(key): as_it_arrives(held) for key, held in value.items()}
        case list() | tuple():
            return [as_it_arrives(held) for held in value]
        case set() | frozenset():
            return sorted((as_it_arrives(held) for held in value), key=repr)
        case Enum():
            return value.value
        case Decimal():
            return str(value)
        case _:
            return value


def _as_key(key: Any) -> Any:
    told = as_it_arrives(key)
    return tuple(told) if isinstance(told, list) else told


def same(sent: Any, arrived: Any) -> bool:
    if isinstance(sent, (set, frozenset)):
        return as_it_arrives(sent) == sorted(arrived, key=repr)
    if isinstance(sent, dict):
        keys = {repr(_in_order(_as_key(key))) for key in sent}
        return (
            keys == {repr(_in_order(key)) for key in arrived}
            and len(sent) >= len(arrived)
            and all(
                same(held, next(v for k, v in arrived.items() if _alike(key, k)))
                for key, held in OrderedDict(
                    (repr(_as_key(k)), (k, v)) for k, v in sent.items()
                ).values()
            )
        )
    if isinstance(sent, (list, tuple)):
        return len(sent) == len(arrived) and all(map(same, sent, arrived))
    return bool(as_it_arrives(sent) == arrived)


def _alike(key: Any, arrived: Any) -> bool:
    return repr(_in_order(_as_key(key))) == repr(_in_order(arrived))


def _in_order(key: Any) -> Any:
    return sorted(key, key=repr) if isinstance(key, tuple) else key


class Pair:
    """A master and a worker with nothing between them."""

    def __init__(self) -> None:
        self.master = MasterSide()
        self.worker = WorkerSide(name="w", incarnation="1", info={})
        self.ordered: list[Any] = []
        self.heard: list[Any] = []
        self.connect()

    def connect(self) -> None:
        self.master.connect()
        self.worker.connect()
        self.settle()

    def settle(self) -> None:
        while (told := self.worker.take()) or (ordered := self.master.take()):
            if told:
                self.heard += self.master.receive(told)
            else:
                self.ordered += self.worker.receive(ordered)


@settings(max_examples=300, deadline=None)
@given(value=VALUES, offline=st.booleans())
def test_an_argument_arrives_or_its_command_is_refused_at_once(value: Any, offline: bool) -> None:
    pair = Pair()
    if offline:
        pair.master.disconnect()
        pair.worker.disconnect()

    try:
        pair.master.start("odd", "shell", {"command": value})
        sent = True
    except Unsendable:
        sent = False
    pair.master.start("next", "shell", {"command": "true"})
    if offline:
        pair.connect()
    pair.settle()

    ordered = [event for event in pair.ordered if isinstance(event, StartCommand)]
    assert [order.command_id for order in ordered] == (["odd", "next"] if sent else ["next"])
    if sent:
        assert same(value, ordered[0].arguments["command"])


@settings(max_examples=300, deadline=None)
@given(value=VALUES, offline=st.booleans())
@example(value={"\ud800": None, ((None,), None): None}, offline=False)
def test_an_answer_arrives_or_the_next_one_does(value: Any, offline: bool) -> None:
    pair = Pair()
    pair.master.start("c", "glob", {})
    pair.settle()
    if offline:
        pair.master.disconnect()
        pair.worker.disconnect()

    error = None
    try:
        pair.worker.value("c", "files", value)
    except Unsendable as refusal:
        error = str(refusal)
    pair.worker.complete("c", error)
    if offline:
        pair.connect()
    pair.settle()

    heard = [event for event in pair.heard if isinstance(event, (Value, Complete))]
    assert [event.number for event in heard] == list(range(1, len(heard) + 1))
    assert isinstance(heard[-1], Complete)
    if error is None:
        assert same(value, heard[0].value)
    else:
        assert len(heard) == 1
        assert "files" in str(heard[-1].error)


@settings(max_examples=100, deadline=None)
@given(text=ANY_TEXT | st.just("x" * 100_000))
def test_what_people_read_always_arrives(text: str) -> None:
    pair = Pair()
    pair.master.start("c", "shell", {})
    pair.settle()

    pair.master.interrupt("c", text)
    pair.settle()
    pair.worker.complete("c", text)
    pair.worker.prepared(1, text)
    pair.settle()

    assert any(isinstance(event, Complete) for event in pair.heard)
    assert any(isinstance(event, Prepared) for event in pair.heard)


def test_what_is_too_large_says_how_large_it_is() -> None:
    pair = Pair()

    with pytest.raises(Unsendable, match=r"arguments of 'shell': 6[0-9]\.\d MiB .*limit: 64 MiB"):
        pair.master.start("c", "shell", {"initial_stdin": b"x" * (MAX_FRAME + 1)})


def test_what_cannot_be_sent_is_named() -> None:
    pair = Pair()

    with pytest.raises(
        Unsendable, match=r"arguments of 'shell'\['env'\]\['X'\] is of the type obj"
    ):
        pair.master.start("c", "shell", {"env": {"X": object()}})


@pytest.mark.parametrize("depth", [98, 101, 500, 900, 5_000])
def test_what_is_nested_deeply_arrives_or_is_refused(depth: int) -> None:
    pair = Pair()
    value: list[Any] = []
    for _ in range(depth):
        value = [value]

    is_refused = depth > 98
    with pytest.raises(Unsendable, match="100 levels") if is_refused else contextlib.nullcontext():
        pair.master.start("c", "shell", {"command": value})
    pair.settle()

    assert len(pair.ordered) == (not is_refused)


@pytest.mark.parametrize(
    ("builddir", "routes"), [("caf\udce9", {}), ("b", {"l\udce9": "l"}), ("b", {"l": "l\ud800"})]
)
def test_names_that_are_not_text_refuse_their_command(
    builddir: str, routes: dict[str, str]
) -> None:
    pair = Pair()

    with pytest.raises(Unsendable, match="has characters that cannot be sent"):
        pair.master.start("c", "shell", {}, builddir, routes=routes)
    with pytest.raises(Unsendable, match="has characters that cannot be sent"):
        pair.master.prepare(1, ["caf\udce9"])


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=40))
def test_extensions_of_a_stranger_are_a_mistake_of_the_protocol(data: bytes) -> None:
    pair = Pair()
    pair.master.start("c", "glob", {})
    pair.settle()
    body = b"\x95\x06\xa1c\x01\xa1k\xc7" + struct.pack("B", len(data)) + b"\x02" + data

    with contextlib.suppress(ProtocolError):
        pair.master.receive(len(body).to_bytes(4, "big") + body)


def test_the_page_of_the_protocol_names_each_extension() -> None:
    page = (Path(__file__).parents[2] / "docs/explanation/native-protocol.md").read_text()
    mapping = portable({"a\udcff": 1}, "it")

    assert portable("a\udcff", "it") == msgspec.msgpack.Ext(1, b"a\xed\xb3\xbf")
    assert isinstance(mapping, msgspec.msgpack.Ext)
    assert mapping.code == 2
    assert re.findall(r"^\| (\d+) \|", page, re.MULTILINE) == ["1", "2"]
