"""One connection: each side calls methods of the other's objects, and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chargehand_wire.framing import ProtocolError
from chargehand_wire.pb import banana
from chargehand_wire.pb.banana import BananaReader, Expression, Limits
from chargehand_wire.pb.events import Answered, Called, Event, Failed, Failure, Released
from chargehand_wire.pb.frequent import recognised
from chargehand_wire.pb.jelly import Copied, Own, Reference, copied, decoded, encoded

BEFORE_LOGIN = Limits(size=16 * 1024, elements=200)
AFTER_LOGIN = Limits(size=32 * 1024 * 1024, elements=1_000_000)

_VERSION = 6
_FAILURE = "twisted.spread.pb.CopyableFailure"
_EXCEPTIONS = ("builtins.Exception", "builtins.BaseException", "builtins.object")
_ROOT = "root"


class Connection:
    """Our side of one connection, which the other side has opened.

    Gives events for bytes, and bytes (`take`) for calls and answers.
    """

    def __init__(self) -> None:
        self._reader: BananaReader[Called] = BananaReader(BEFORE_LOGIN)
        self._has_dialect = False
        self._out: list[bytes] = [_OFFER]
        self._last_call = 0
        self._last_object = 0

    def trust(self) -> None:
        """Take large messages from now on: the other side has logged in."""
        self._reader.limits = AFTER_LOGIN
        self._reader.shortcut = recognised

    @property
    def has_output(self) -> bool:
        """Whether something is to be sent."""
        return bool(self._out)

    def take(self) -> bytes:
        """Return what is to be sent, and forget it."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes of the other side. Raises ProtocolError."""
        events: list[Event] = []
        for expression in self._reader.feed(data):
            if isinstance(expression, Called):
                events.append(expression)
            elif not self._has_dialect:
                self._choose(expression)
            elif (event := _event(expression)) is not None:
                events.append(event)
        return events

    def own(self) -> Own:
        """Return a new object of ours, to be sent."""
        self._last_object += 1
        return Own(self._last_object)

    def call(
        self,
        target: Reference,
        method: str,
        *arguments: object,
        keywords: Mapping[str, object] | None = None,
    ) -> int:
        """Call an object of the other side; return the call's number. Raises Unsendable."""
        told = encoded(arguments), encoded(dict(keywords)) if keywords else _NO_KEYWORDS
        self._last_call += 1
        self._out += (
            _MESSAGE,
            banana.integer(self._last_call),
            banana.integer(target.number),
            banana.text(method.encode()),
            _NEEDS_ANSWER,
            *told,
        )
        return self._last_call

    def answer(self, number: int, value: object) -> None:
        """Answer a call of the other side. Raises Unsendable."""
        told = _NOTHING if value is None else encoded(value)
        self._out += (_ANSWER, banana.integer(number), told)

    def fail(self, number: int, kind: str, text: str, parents: Sequence[str] = _EXCEPTIONS) -> None:
        """Answer a call of the other side with an exception of the class *kind*."""
        state = {
            "type": kind.encode(),
            "value": text,
            "parents": [kind, *parents],
            "traceback": "Traceback unavailable\n",
            "tb": None,
            "frames": [],
            "stack": [],
            "count": number,
            "captureVars": False,
            "pickled": 1,
        }
        self._out += (_ERROR, banana.integer(number), copied(_FAILURE, state))

    def release(self, reference: Reference) -> None:
        """Let the other side forget an object of its own."""
        self._out += (_RELEASE, banana.integer(reference.number))

    def _choose(self, expression: Expression) -> None:
        if expression != b"pb":
            raise ProtocolError("the peer does not speak Perspective Broker")
        self._has_dialect = True
        self._out += (banana.opening(2), banana.text(b"version"), banana.integer(_VERSION))


_MESSAGE = banana.opening(7) + banana.text(b"message")
_ANSWER = banana.opening(3) + banana.text(b"answer")
_ERROR = banana.opening(3) + banana.text(b"error")
_RELEASE = banana.opening(2) + banana.text(b"decref")
_NO_KEYWORDS = encoded({})
_NOTHING = encoded(None)
_NEEDS_ANSWER = banana.integer(1)
_OFFER = banana.opening(2) + b"\x02\x82pb" + b"\x04\x82none"


def _event(expression: Expression) -> Event | None:
    match expression:
        case [
            b"message",
            int() as number,
            int() | bytes() as target,
            bytes() as method,
            needed,
            arguments,
            keywords,
        ]:
            return _called(number, target, method, needed, arguments, keywords)
        case [b"answer", int() as number, value]:
            return Answered(number=number, value=decoded(value))
        case [b"error", int() as number, failure]:
            return Failed(number=number, failure=failure_of(decoded(failure)))
        case [b"decref", int() as number]:
            return Released(number=number)
        case [b"version", int() as version]:
            if version != _VERSION:
                raise ProtocolError(
                    f"the peer speaks version {version} of Perspective Broker, and this master "
                    f"version {_VERSION}: upgrade buildbot-worker and Twisted there"
                )
            return None
        case [b"didNotUnderstand", _]:
            return None
    raise ProtocolError("a message is of a kind that workers do not send")


def _called(
    number: int,
    target: int | bytes,
    method: bytes,
    needed: Expression,
    arguments: Expression,
    keywords: Expression,
) -> Called:
    given, named = decoded(arguments), decoded(keywords)
    if not isinstance(given, tuple) or not isinstance(named, dict):
        raise ProtocolError("a call has arguments that cannot be arguments")
    return Called(
        number=number,
        target=target if isinstance(target, int) else text_of(target),
        method=text_of(method),
        arguments=given,
        keywords={text_of(name): value for name, value in named.items()},
        needs_answer=bool(needed),
    )


def failure_of(value: object) -> Failure:
    """Return what went wrong, of whatever the other side has sent instead of a result."""
    if not isinstance(value, Copied):
        return Failure(kind="Exception", text=text_of(value))
    if not isinstance(value.state, dict):
        return Failure(kind=value.kind, text=text_of(value.state))
    state = {text_of(name): text_of(item) for name, item in value.state.items()}
    return Failure(
        kind=state.get("type") or value.kind,
        text=state.get("value", ""),
        traceback=state.get("traceback", ""),
    )


def text_of(value: object) -> str:
    """Return a text; workers with Python 2 send bytes."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else str(value)
