"""Perspective Broker: we and Twisted read what the other sends; garbage changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.cred import credentials, error
from twisted.internet.testing import StringTransport
from twisted.python import failure
from twisted.spread import pb

from chargehand_wire.framing import ProtocolError
from chargehand_wire.pb import banana
from chargehand_wire.pb.banana import BananaReader, Limits
from chargehand_wire.pb.connection import (
    AFTER_LOGIN,
    BEFORE_LOGIN,
    Connection,
)
from chargehand_wire.pb.events import Answered, Called, Event, Failed, Released
from chargehand_wire.pb.jelly import Copied, Own, Reference, decoded, encoded
from chargehand_wire.pb.login import Credentials, Login
from chargehand_wire.values import Unsendable

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.sampled_from([0, 127, 128, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, b"None", "None"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=15,
)
LIMITS = Limits(size=100_000, elements=10_000)


class Echo(pb.Referenceable):
    """Twisted's side of a call: answers what it was given."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def remote_echo(self, value: Any, **keywords: Any) -> Any:
        self.given.append((value, keywords))
        return value

    def remote_fail(self) -> None:
        raise ValueError("out of paper")


class Peers:
    """A client of Twisted's, and our side, without sockets."""

    def __init__(self) -> None:
        self.ours = Connection()
        self.login = Login(self.ours, challenge=b"challenge")
        self.factory = pb.PBClientFactory()
        self.broker: Any = self.factory.buildProtocol(None)
        self.transport = StringTransport()
        self.broker.makeConnection(self.transport)
        self.mind = Echo()
        self.events: list[Event] = []
        self.outcome: list[Any] = []
        self.credentials: Credentials | None = None

    def exchange(self) -> None:
        """Carry bytes to and fro until there are no more."""
        while True:
            to_them, to_us = self.ours.take(), self.transport.value()
            self.transport.clear()
            if not to_them and not to_us:
                return
            if to_them:
                self.broker.dataReceived(to_them)
            self.events += self.ours.receive(to_us)

    def log_in(self, password: bytes = b"secret") -> None:
        """Let Twisted's client log in."""
        given = credentials.UsernamePassword(b"arm-7", password)
        self.factory.login(given, self.mind).addBoth(self.outcome.append)
        self.exchange()
        for _ in range(2):
            events, self.events = self.events, []
            for event in events:
                self.credentials = self.login.handle(event) or self.credentials
            self.exchange()
        assert self.credentials is not None
        assert self.credentials.name == "arm-7"
        self.ours.trust()


def test_a_client_of_twisteds_logs_in_and_calls() -> None:
    peers = Peers()
    peers.log_in()
    assert peers.credentials is not None
    assert peers.credentials.is_right("secret")
    assert not peers.credentials.is_right("Secret")
    perspective = peers.ours.own()
    peers.login.accept(perspective)
    peers.exchange()
    (theirs,) = peers.outcome

    theirs.callRemote("keepalive", 1, word="x").addBoth(peers.outcome.append)
    peers.exchange()

    called = next(event for event in peers.events if isinstance(event, Called))
    assert (called.target, called.method) == (perspective.number, "keepalive")
    assert (called.arguments, called.keywords) == ((1,), {"word": "x"})
    peers.ours.answer(called.number, {"a": [1, (2, b"3")]})
    peers.exchange()
    assert peers.outcome[-1] == {"a": [1, (2, b"3")]}


def test_a_client_that_is_refused_hears_why_and_may_try_again() -> None:
    peers = Peers()
    peers.log_in(b"wrong")

    peers.login.refuse("the name is unknown, or the password is wrong")
    peers.exchange()

    (refused,) = peers.outcome
    assert isinstance(refused, failure.Failure)
    assert refused.check(error.UnauthorizedLogin)
    assert "the password is wrong" in refused.getErrorMessage()


@settings(deadline=None, max_examples=25)
@given(VALUES)
def test_values_arrive_at_twisteds_side_and_come_back_as_they_were(value: Any) -> None:
    peers = Peers()
    peers.log_in()
    assert peers.credentials is not None
    number = peers.ours.call(peers.credentials.mind, "echo", value, keywords={"word": value})

    peers.exchange()

    assert peers.mind.given == [(value, {"word": value})]
    assert peers.events == [Answered(number=number, value=value)]


def test_exceptions_of_the_other_side_are_named() -> None:
    peers = Peers()
    peers.log_in()
    assert peers.credentials is not None

    peers.ours.call(peers.credentials.mind, "fail")
    peers.ours.call(peers.credentials.mind, "nothing_like_it")
    with pytest.MonkeyPatch.context() as quiet:
        quiet.setattr("twisted.python.log.err", lambda *_: None)
        peers.exchange()

    failed = [event.failure for event in peers.events if isinstance(event, Failed)]
    assert str(failed[0]) == "ValueError: out of paper"
    assert failed[1].name == "NoSuchMethod"


def test_objects_of_ours_can_be_called_until_they_are_forgotten() -> None:
    peers = Peers()
    peers.log_in()
    assert peers.credentials is not None
    own = peers.ours.own()
    peers.ours.call(peers.credentials.mind, "echo", own)
    peers.exchange()
    theirs = peers.mind.given.pop()[0]

    theirs.callRemote("update", [[{"stdout": "x"}, 0]])
    peers.exchange()

    called = next(event for event in peers.events if isinstance(event, Called))
    assert (called.target, called.arguments) == (own.number, ([[{"stdout": "x"}, 0]],))
    peers.ours.answer(called.number, 0)
    peers.exchange()
    del theirs
    peers.exchange()
    assert Released(number=own.number) in peers.events


@settings(max_examples=25)
@given(st.lists(VALUES, max_size=3), st.data())
def test_a_stream_may_be_split_anywhere(values: list[Any], data: st.DataObject) -> None:
    stream = b"".join(map(encoded, values))
    splits = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    reader = BananaReader(LIMITS)

    found = []
    for start, end in zip([0, *splits], [*splits, len(stream)], strict=True):
        found += [decoded(expression) for expression in reader.feed(stream[start:end])]

    assert found == values


def test_a_stream_may_come_byte_by_byte() -> None:
    stream = encoded({"a": [1, -(2**70), 2.5, None, True, ("x", b"y", Own(3), Reference(4))]})
    reader = BananaReader(LIMITS)

    found = [item for byte in stream for item in reader.feed(bytes([byte]))]

    assert list(map(decoded, found)) == [
        {"a": [1, -(2**70), 2.5, None, True, ("x", b"y", Reference(3), Own(4))]}
    ]


HTTP = b"GET / HTTP/1.1\r\nHost: master\r\n\r\n"


@settings(max_examples=150)
@given(st.binary(max_size=300))
@example(HTTP)
@example(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
@example(b"\x02\x82pb\x87" + b"\x00" * 70)
@example(b"\x02\x82pb\x01\x80\x08\x87")
def test_garbage_is_refused_or_waited_for(data: bytes) -> None:
    for start in (b"", b"\x02\x82pb"):
        connection = Connection()
        login = Login(connection, challenge=b"c")
        try:
            for event in connection.receive(start + data):
                login.handle(event)
        except ProtocolError:
            pass


ATOMS = st.sampled_from([*banana.VOCABULARY, b"unicode", b"boolean", b"a.B", b"root", b"login"])
EXPRESSIONS = st.recursive(
    ATOMS | st.integers(-3, 3) | st.floats(),
    lambda inner: st.lists(inner, max_size=7),
    max_leaves=20,
)


@settings(max_examples=30)
@given(st.lists(EXPRESSIONS, max_size=7))
@example([b"message", 1, b"root", b"login", 1, [b"tuple"], [b"dictionary"]])
@example([b"answer", 1, [b"dictionary", [[b"list"], 1]]])
@example([b"answer", 1, [b"reference", 1, [b"list", [b"dereference", 1]]]])
@example([b"error", 1, [b"a.B", [b"dictionary", [b"type", [b"list"]]]]])
def test_messages_that_make_no_sense_are_refused(expression: Any) -> None:
    connection = Connection()
    try:
        connection.receive(b"\x02\x82pb" + written(expression))
    except ProtocolError:
        pass


def written(expression: Any) -> bytes:
    """Return an expression as it travels."""
    match expression:
        case list():
            return banana.opening(len(expression)) + b"".join(map(written, expression))
        case bytes():
            return banana.text(expression)
        case int():
            return banana.integer(expression)
        case _:
            return banana.real(expression)


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        (b"\x7f\x7f\x7f\x7f\x07\x82", "a text of"),
        (b"\x7f\x7f\x7f\x7f\x07\x80", "a list of"),
        (b"\x01\x80" * 100, "too deeply"),
        ((b"\x50\x80" + b"\x01\x81" * 79) * 4, "more than 200 elements"),
        (b"\x0a\x80" + (b"\x7f\x1f\x82" + b"x" * 4095) * 5, "more than 16384 bytes"),
        (b"\x01" * 65 + b"\x81", "too long"),
        (b"\x01" * 65, "too long"),
        (b"\x00\x87", "vocabulary"),
        (b"\x20\x87", "vocabulary"),
        (b"\x88", "not known"),
        (HTTP * 3, "too long"),
    ],
)
def test_what_strangers_may_send_is_limited(stream: bytes, why: str) -> None:
    reader = BananaReader(BEFORE_LOGIN)

    with pytest.raises(ProtocolError, match=why):
        for _ in reader.feed(stream):
            pass


def test_large_messages_are_taken_after_the_login_and_limits_count_for_each() -> None:
    reader = BananaReader(AFTER_LOGIN)
    block = encoded({"data": [b"x" * 600_000] * 10})

    for _ in range(10):
        assert len(list(reader.feed(block))) == 1


@pytest.mark.parametrize(
    "value", ["x" * 700_000, [0] * 700_000, "\udcff", {1, 2}, object(), 2**500, [[]] * 3 + [3j]]
)
def test_what_cannot_travel_fails_before_anything_is_sent(value: object) -> None:
    connection = Connection()
    connection.take()

    with pytest.raises(Unsendable):
        connection.call(Reference(1), "startCommand", value)

    assert connection.take() == b""


def test_values_nested_too_deeply_cannot_travel() -> None:
    value: list[Any] = []
    for _ in range(40):
        value = [value]

    with pytest.raises(Unsendable, match="too deeply"):
        encoded(value)


def test_what_is_sent_twice_in_a_message_is_read_twice() -> None:
    expression: Any = [b"list", [b"reference", 1, [b"list", 5]], [b"dereference", 1]]

    assert decoded(expression) == [[5], [5]]


def test_objects_of_other_classes_are_only_their_state() -> None:
    assert decoded([b"os.system", [b"unicode", b"rm"]]) == Copied("os.system", "rm")


def test_values_that_are_equal_but_not_the_same_arrive_as_what_they_are() -> None:
    for value in (1, True, 1.0, 0, False, -0.0, 0.0, "1", None, True, 1, 0.0, -0.0):
        (found,) = _read(encoded({"key": value})).values()
        assert repr(found) == repr(value)


def test_a_long_text_in_many_pieces_is_put_together_once_it_is_there() -> None:
    reader: BananaReader[Called] = BananaReader(LIMITS)
    stream = banana.text(b"x" * 50_000) + banana.text(b"y")
    found = [one for at in range(len(stream)) for one in reader.feed(stream[at : at + 1])]
    assert found == [b"x" * 50_000, b"y"]
    with pytest.raises(ProtocolError, match="more than 100000 bytes"):
        for _ in range(20):
            list(reader.feed(banana.opening(5) + banana.text(b"x" * 50_000)))


def _read(stream: bytes) -> Any:
    (expression,) = BananaReader[Called](LIMITS).feed(stream)
    return decoded(expression)


@pytest.mark.parametrize("one", [1, True, 1.0, b"1", "1", [1], (1,)])
def test_equal_values_of_other_types_are_not_taken_for_each_other(one: object) -> None:
    value = {"a": one, "b": 2, "c": 3, "d": {"e": [one]}}
    again = {"a": one, "b": 2, "c": 3, "d": {"e": [one]}}

    for sent in (value, again):
        got = _read(encoded(sent))
        assert repr(got) == repr(value)


def test_a_dictionary_that_is_kept_is_no_deeper_than_one_that_is_not() -> None:
    value: object = {"a": 1, "b": 2, "c": 3, "d": 4}
    encoded(value)
    for _ in range(30):
        value = [value]

    with pytest.raises(Unsendable, match="nested too deeply"):
        encoded(value)


def test_a_dictionary_that_has_changed_is_sent_as_it_is_now() -> None:
    value = {"a": [1], "b": 2, "c": 3, "d": Own(7)}
    assert _read(encoded(value))["d"] == Reference(7)
    value = {"a": [1], "b": 2, "c": 3, "d": 4}
    encoded(value)

    value["a"] = [1, 2]

    assert _read(encoded(value)) == value
