"""Logging in: a name, a challenge, and the proof that the other side knows the password."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum

from chargehand_wire.framing import ProtocolError
from chargehand_wire.pb.connection import Connection, text_of
from chargehand_wire.pb.events import Called, Event, Released
from chargehand_wire.pb.jelly import Own, Reference

_UNAUTHORIZED = "twisted.cred.error.UnauthorizedLogin"
_PARENTS = (
    "twisted.cred.error.LoginFailed",
    "builtins.Exception",
    "builtins.BaseException",
    "builtins.object",
)
_LONGEST_NAME = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who wants to log in."""

    name: str
    challenge: bytes
    response: bytes
    mind: Reference
    """The object of the other side that takes orders."""

    def is_right(self, password: str) -> bool:
        """Return whether the other side knows this password; takes the same time if not."""
        return hmac.compare_digest(response_to(self.challenge, password), self.response)


class _State(Enum):
    NAME = "name"
    RESPONSE = "response"
    DECIDING = "deciding"


class Login:
    """Leads a connection to its login. *challenge* must be different each time."""

    def __init__(self, connection: Connection, *, challenge: bytes) -> None:
        self._connection = connection
        self._challenge = challenge
        self._state = _State.NAME
        self._name = ""
        self._challenger: Own | None = None
        self._number = 0

    @property
    def name(self) -> str:
        """The name that was given, "" before."""
        return self._name

    def handle(self, event: Event) -> Credentials | None:
        """Go on with what came; return the credentials once they are there.

        Raises ProtocolError.
        """
        match event, self._state:
            case Called(target="root", method="login", arguments=(bytes() | str() as name,)), (
                _State.NAME
            ):
                self._ask(event.number, text_of(name))
                return None
            case Called(
                method="respond", arguments=(bytes() as response, Reference() as mind)
            ), _State.RESPONSE if self._is_for_challenger(event):
                self._state = _State.DECIDING
                self._number = event.number
                return Credentials(
                    name=self._name, challenge=self._challenge, response=response, mind=mind
                )
            case Released(), _:
                return None
        raise ProtocolError("the peer calls something before it has logged in")

    def accept(self, perspective: Own) -> None:
        """Let the other side in; it calls *perspective* from now on."""
        self._connection.answer(self._number, perspective)

    def refuse(self, reason: str) -> None:
        """Do not let it in. Stock workers try again after a while."""
        self._connection.fail(self._number, _UNAUTHORIZED, reason, _PARENTS)

    def _ask(self, number: int, name: str) -> None:
        if len(name) > _LONGEST_NAME:
            raise ProtocolError("the peer's name is too long")
        self._name = name
        self._state = _State.RESPONSE
        self._challenger = self._connection.own()
        self._connection.answer(number, (self._challenge, self._challenger))

    def _is_for_challenger(self, event: Called) -> bool:
        return self._challenger is not None and event.target == self._challenger.number


def response_to(challenge: bytes, password: str) -> bytes:
    """Return the proof that somebody knows the password."""
    inner = hashlib.md5(password.encode("utf-8", "surrogateescape"), usedforsecurity=False)
    return hashlib.md5(inner.digest() + challenge, usedforsecurity=False).digest()
