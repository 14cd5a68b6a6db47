"""Interfaces that the web needs from other packages."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from chargehand.domain.audit import AuditEntry
from chargehand.domain.change_fate import ChangeOutcome, WaitingChanges
from chargehand.domain.credentials import ApiToken, WebSession
from chargehand.domain.identifiers import BuilderId, BuildId, ChangeId, LogId, RequestId
from chargehand.domain.prediction import Prediction
from chargehand.domain.raw_log import RawLog as RawLog
from chargehand.domain.refused_login import RefusedLogin
from chargehand.domain.result import Result
from chargehand.domain.user import User
from chargehand.domain.waiting import Waiting
from chargehand.domain.waiting_line import WaitingLine
from chargehand.logs.searching import Take
from chargehand.resources.field import Resource
from chargehand.resources.query import Basis, Page, Query


class Resources(Protocol):
    """Resources as rows, read from the store."""

    async def fetch(self, query: Query) -> Page:
        """Return rows with the REST API's fields, filtered, sorted and cut in SQL.
        Raises ValueError for a field that the kind does not have."""

    async def fetch_first(
        self, query: Query, count: int, *, with_others: bool = True
    ) -> tuple[Page, Sequence[int]]:
        """Return so many rows at most, and the identifiers of those that follow. Without these,
        one row more says that there are some."""

    async def fetch_these(self, query: Query, ids: Sequence[int]) -> Page:
        """Return rows ordered by identifier, without those deleted since."""

    def is_current(self, basis: Basis) -> bool:
        """Return whether the tables behind an answer are unchanged."""


class Logs(Protocol):
    """Logs, read."""

    async def lines(self, log_id: LogId, first: int, count: int | None) -> bytes:
        """Return these lines, with channel letters if the log has type ``s``."""

    def lines_in_pieces(
        self, log_id: LogId, first: int, count: int | None
    ) -> AsyncGenerator[bytes, None]:
        """Return the same as `lines`, in pieces of whole lines: never the whole log in memory."""

    async def raw(self, log_id: LogId) -> RawLog:
        """Return the text as written by the command, without channel letters."""

    def scan(
        self, log_id: LogId, first: int, take: Take, *, with_letters: bool = False
    ) -> AsyncGenerator[int, None]:
        """Give *take* what there is from line *first* on, piece by piece in a thread until it
        wants no more; yields, now and then, how many lines it has taken since."""


class AuditLog(Protocol):
    """Keeps who did what."""

    def note(self, entry: AuditEntry) -> None:
        """Store an entry, not later than what follows it."""


class SessionStore(Protocol):
    """Keeps the sessions of browsers."""

    async def find(self, digest: str) -> WebSession | None:
        """Return the session with this digest."""

    async def of_user(self, user_name: str) -> Sequence[WebSession]:
        """Return a person's sessions, the newest first."""

    async def add(self, session: WebSession) -> WebSession:
        """Store a new session; return it with its number."""

    def saw(self, session_id: int, moment: float) -> None:
        """Note soon that a session was used."""

    async def delete(self, ids: Sequence[int]) -> None:
        """End sessions."""


class TokenStore(Protocol):
    """Keeps API tokens."""

    async def find(self, digest: str) -> ApiToken | None:
        """Return the token with this digest."""

    async def of_user(self, user_name: str | None) -> Sequence[ApiToken]:
        """Return a person's tokens, or everybody's; the oldest first, without those of builds."""

    async def add(self, token: ApiToken) -> ApiToken:
        """Store a new token; return it with its number."""

    def used(self, token_id: int, moment: float, origin: str) -> None:
        """Note soon that a token was used."""

    def describe(self, account: User) -> None:
        """Note soon what a login says of the owner of tokens."""

    async def delete(self, token_id: int) -> None:
        """Revoke a token."""

    def delete_of_build(self, build_id: int) -> None:
        """Revoke soon what was made for a build."""


class Controls(Protocol):
    """Control methods for users. Each raises LookupError if its target does not exist."""

    async def force(
        self, scheduler: str, parameters: Mapping[str, object], by: User
    ) -> tuple[int, dict[int, int]]:
        """Force builds; returns the buildset's identifier and the requests' by builder id.
        Raises InvalidParameters."""

    async def stop_build(self, build_id: BuildId, reason: str, result: Result, by: User) -> None:
        """Stop a running build; has no effect on a finished one."""

    async def rebuild(self, build_id: BuildId, by: User) -> tuple[int, dict[int, int]]:
        """Build the same again."""

    async def cancel_request(self, request_id: RequestId, reason: str, by: User) -> None:
        """Cancel a waiting request, or stop its build."""

    async def set_priority(self, request_id: RequestId, priority: int, by: User) -> None:
        """Set a request's priority."""

    async def enable_scheduler(self, scheduler_id: int, enabled: bool, by: User) -> None:
        """Enable or disable a scheduler."""

    async def control_worker(self, worker: int | str, method: str, reason: str, by: User) -> None:
        """``stop`` (graceful), ``kill``, ``pause`` or ``unpause`` a worker."""


class Explanations(Protocol):
    """Why things wait, and what schedulers did with changes."""

    async def why_waiting(self, request_id: RequestId) -> Waiting | None:
        """Return the reason, None if the request is not waiting. Raises LookupError."""

    async def outcomes_of(self, change_id: ChangeId) -> list[ChangeOutcome]:
        """Return what each scheduler did with a change. Raises LookupError."""

    def waiting_changes(self) -> list[WaitingChanges]:
        """Return the changes that wait for tree-stable timers of this master."""

    def refused_logins(self) -> Sequence[RefusedLogin]:
        """Return the logins of workers that this master refused last, the newest first."""

    def why_build_waits(self, build_id: BuildId) -> Waiting | None:
        """Return what a running build waits for, if it does, without asking the store."""

    def predictions(self, build_id: BuildId) -> Sequence[Prediction]:
        """Return when a running build and its step are expected to end; empty if unknown."""

    def waiting_lines(self) -> list[WaitingLine]:
        """Return what waits at each builder that this master runs, and why."""

    def why_these_wait(self, requests: Mapping[RequestId, BuilderId]) -> dict[RequestId, Waiting]:
        """Return the reasons for requests known to be waiting, without a query."""


class ForceForms(Protocol):
    """The force schedulers, as forms."""

    def forms(self, builder_id: int | None = None) -> list[Resource]:
        """Return resources of type ``forcescheduler``."""

    async def asked_forms(self, builder_id: int | None = None) -> list[Resource]:
        """Return the same, having called users' functions for what may be chosen."""
