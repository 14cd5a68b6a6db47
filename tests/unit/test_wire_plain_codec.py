"""Without msgspec and zstandard the agent speaks the same: byte for byte, and refuses the same."""

from __future__ import annotations

import ast
import importlib
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargehand_wire import messages
from chargehand_wire.framing import FrameReader, ProtocolError, frame
from chargehand_wire.master_side import MasterSide
from chargehand_wire.values import from_extension

SOURCES = Path(__file__).parents[2] / "src"
OURS = ("chargehand_wire", "chargehand_worker")
COMPILED = ("msgspec", "zstandard")


@contextmanager
def without_compiled_packages() -> Iterator[None]:
    """Let imports find a second set of our modules, that have found no compiled packages."""
    kept = {name: found for name, found in sys.modules.items() if name.split(".")[0] in OURS}
    compiled = {name: sys.modules.get(name) for name in COMPILED}
    for name in kept:
        del sys.modules[name]
    sys.modules.update(dict.fromkeys(COMPILED))
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
            if "plain" not in name:  # Nobody else imports those.
                del sys.modules[name]
        sys.modules.update(kept)
        for name, found in compiled.items():
            if found is None:
                del sys.modules[name]
            else:
                sys.modules[name] = found


def plain(module: str) -> ModuleType:
    with without_compiled_packages():
        return importlib.import_module(module)


with without_compiled_packages():
    PLAIN_MESSAGES = importlib.import_module("chargehand_wire.messages")
    PLAIN_FRAMING = importlib.import_module("chargehand_wire.framing")
    PLAIN_CODEC = importlib.import_module("chargehand_wire.codec")
    PLAIN_WORKER = importlib.import_module("chargehand_wire.worker_side")
    PLAIN_VALUES = importlib.import_module("chargehand_wire.values")
    PLAIN_ARGUMENTS = importlib.import_module("chargehand_worker.arguments")

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
MOMENTS = st.integers(-(2**33), 2**35).map(
    lambda number: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=number)
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | TEXT
    | st.binary(max_size=300)
    | MOMENTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=12,
)
NUMBERS = st.integers(0, 2**40)
MESSAGES: st.SearchStrategy[tuple[str, tuple[Any, ...]]] = st.one_of(
    st.tuples(st.just("Value"), st.tuples(TEXT, NUMBERS, TEXT, VALUES)),
    st.tuples(st.just("Segment"), st.tuples(TEXT, NUMBERS, TEXT, st.binary(), NUMBERS, NUMBERS)),
    st.tuples(st.just("Complete"), st.tuples(TEXT, NUMBERS, st.none() | TEXT)),
    st.tuples(
        st.just("Hello"), st.tuples(NUMBERS, TEXT, TEXT, st.dictionaries(TEXT, VALUES, max_size=3))
    ),
    st.tuples(st.just("InputAck"), st.tuples(TEXT, NUMBERS)),
    st.tuples(st.just("Prepared"), st.tuples(NUMBERS, st.none() | TEXT)),
)


def test_the_second_set_of_modules_does_without_msgspec():
    assert PLAIN_CODEC.Struct.__module__ == "chargehand_wire.plain_codec"
    assert issubclass(PLAIN_MESSAGES.Hello, PLAIN_CODEC.Struct)
    assert issubclass(messages.Hello, msgspec.Struct)
    compress = plain("chargehand_worker.compression").compressor()
    assert zlib.decompress(compress(b"lines\n")) == b"lines\n"


@settings(max_examples=20)
@given(VALUES)
def test_values_have_the_same_bytes(value: object):
    encoded = msgspec.msgpack.encode(value)

    assert PLAIN_CODEC.encode(value) == encoded
    assert PLAIN_CODEC.Decoder(object).decode(encoded) == msgspec.msgpack.decode(encoded)


@settings(max_examples=20)
@given(MESSAGES)
def test_messages_have_the_same_bytes(message: tuple[str, tuple[Any, ...]]):
    kind, fields = message

    said = frame(getattr(messages, kind)(*fields))
    plainly = PLAIN_FRAMING.frame(getattr(PLAIN_MESSAGES, kind)(*fields))

    assert plainly == said
    assert _heard_plainly(said) == _heard(said)


@settings(max_examples=20)
@given(st.binary(max_size=60))
def test_garbage_is_refused_by_both_or_by_none(body: bytes):
    assert _heard_plainly(_framed(body)) == _heard(_framed(body))


@settings(max_examples=20)
@given(MESSAGES, st.data())
def test_altered_messages_are_refused_by_both_or_by_none(
    message: tuple[str, tuple[Any, ...]], data: st.DataObject
):
    body = bytearray(frame(getattr(messages, message[0])(*message[1]))[4:])
    place = data.draw(st.integers(0, min(len(body) - 1, 40)))
    body[place] = data.draw(st.integers(0, 255))

    assert _heard_plainly(_framed(bytes(body))) == _heard(_framed(bytes(body)))


@pytest.mark.parametrize(
    "arguments",
    [
        {"workdir": "build", "command": ["make", "test"], "timeout": "30", "usePTY": 1},
        {"workdir": "build", "command": "make", "env": {"A": None}, "maxTime": 4, "unknown": 1},
        {"workdir": "build", "command": 3},
        {"workdir": "build", "command": "x", "timeout": "soon"},
        {"command": "x"},
        {"workdir": "", "command": "x", "logfiles": {"a": {"filename": "b"}}, "max_lines": 7.0},
        {"workdir": "", "command": "x", "redactions": [["secret", "<shown>"]]},
        {"workdir": "", "command": "x", "redactions": [["secret"]]},
    ],
)
def test_arguments_are_read_alike(arguments: dict[str, Any]):
    from chargehand_worker import arguments as compiled

    def read(module: Any) -> object:
        try:
            found = module.shell_arguments(arguments)
        except module.BadArguments:
            return None
        return {name: getattr(found, name) for name in compiled.ShellArguments.__struct_fields__}

    assert read(PLAIN_ARGUMENTS) == read(compiled)


def test_a_plain_worker_talks_with_a_compiled_master():
    worker = PLAIN_WORKER.WorkerSide(
        name="w", incarnation="1", info={"numcpus": 2, "host": "\udcff"}
    )
    master = MasterSide()
    worker.connect()
    (hello,) = master.receive(worker.take())
    master.start("c1", "shell", {"command": ["echo", "\udcff"], "n": [None, {"\udcfe": 1.5}]})

    (order,) = worker.receive(master.take())
    worker.output("c1", "stdio", b"data", 1, 5)
    worker.value("c1", "moment", datetime(2026, 1, 2, tzinfo=UTC) + timedelta(milliseconds=1))
    worker.complete("c1")
    segment, value, complete = master.receive(worker.take())

    assert isinstance(hello, messages.Hello)
    assert hello.info == {"numcpus": 2, "host": "\udcff"}
    assert order.arguments == {"command": ["echo", "\udcff"], "n": [None, {"\udcfe": 1.5}]}
    assert isinstance(segment, messages.Segment)
    assert segment.data == b"data"
    assert isinstance(value, messages.Value)
    assert value.value == datetime(2026, 1, 2, 0, 0, 0, 1000, UTC)
    assert isinstance(complete, messages.Complete)


@pytest.mark.parametrize("package", OURS)
def test_the_agent_is_written_for_the_oldest_python_that_it_supports(package: str):
    for path in sorted((SOURCES / package).glob("*.py")):
        ast.parse(path.read_text(), filename=str(path), feature_version=(3, 9))


def _framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


_decoder: msgspec.msgpack.Decoder[messages.FromWorker] = msgspec.msgpack.Decoder(
    messages.FromWorker, ext_hook=from_extension
)


def _heard(data: bytes) -> str | None:
    try:
        return repr(list(FrameReader[messages.FromWorker](_decoder).feed(data)))
    except ProtocolError:
        return None


def _heard_plainly(data: bytes) -> str | None:
    decoder = PLAIN_CODEC.Decoder(PLAIN_MESSAGES.FromWorker, ext_hook=PLAIN_VALUES.from_extension)
    try:
        return repr(list(PLAIN_FRAMING.FrameReader(decoder).feed(data)))
    except PLAIN_FRAMING.ProtocolError:
        return None
