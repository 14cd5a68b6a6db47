"""What one client may take of the master: somebody who has logged in, or else an address."""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

from chargehand.config.web_limits import WebLimits
from chargehand.domain.audit import LIMIT
from chargehand.resources.policy import Visitor
from chargehand.web.access.audit import AuditTrail
from chargehand.web.access.pace import Recent
from chargehand.web.access.proxies import address_of
from chargehand.web.shares import address_key

_log = logging.getLogger(__name__)

_WINDOW_SECONDS = 60.0
_TOLD_SECONDS = 600.0
"""Seconds between two notes about one client, at least."""
_MOST_KEPT = 10_000
_USER = "user "


class TooMuch(Exception):
    """A client takes more than one may; the message says what it can do."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds
        """After how long it may try again."""


class _Spent:
    """An amount that is given back evenly, all of the limit within a minute."""

    __slots__ = ("_amount", "_at")

    def __init__(self) -> None:
        self._amount = 0.0
        self._at = 0.0

    def add(self, amount: float, limit: float, now: float) -> None:
        self._amount = self._left(limit, now) + amount
        self._at = now

    def seconds_to_wait(self, limit: float, now: float) -> float:
        """Return after how long less than the limit is spent; 0 if it is now."""
        over = self._left(limit, now) - limit
        return over * _WINDOW_SECONDS / limit if over > 0 else 0.0

    def _left(self, limit: float, now: float) -> float:
        return max(0.0, self._amount - (now - self._at) * limit / _WINDOW_SECONDS)


class Allowance:
    """What one client takes at present. One without a name may take everything."""

    __slots__ = (
        "_counted_until",
        "_limits",
        "_now",
        "_tell",
        "body_bytes",
        "is_user",
        "large_answers",
        "live_connections",
        "name",
        "recent",
        "requests",
        "rows",
        "seconds",
        "told_at",
    )

    def __init__(
        self,
        name: str,
        limits: Callable[[], WebLimits],
        now: Callable[[], float],
        tell: Callable[[Allowance, str], None],
    ) -> None:
        self.name = name
        self.is_user = name.startswith(_USER)
        """Whether it has logged in. Addresses share connections in turns instead: many people may
        have one, and one of them must not keep the others out."""
        self._limits = limits
        self._now = now
        self._tell = tell
        self.requests = 0
        self.live_connections = 0
        self.large_answers = 0
        self.body_bytes = 0
        self.rows = _Spent()
        self.seconds = _Spent()
        self.recent = Recent()
        self.told_at = -_TOLD_SECONDS
        self._counted_until = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing in progress."""
        return not (self.requests or self.live_connections or self.large_answers)

    def begin(self) -> float:
        """Count a request; return when it began. Raises TooMuch."""
        now = self._now()
        if self.name:
            limits = self._limits()
            if self.is_user and self.requests >= limits.requests_per_user:
                raise self._refusal(
                    "requests_per_user",
                    f"{self.requests} of your requests are in progress, the most for one user. "
                    "Wait until some have ended",
                )
            for spent, limit, name, what in (
                (self.seconds, limits.seconds_per_client, "seconds_per_client", "work"),
                (self.rows, limits.rows_per_client, "rows_per_client", "rows"),
            ):
                wait = spent.seconds_to_wait(limit, now)
                if wait > 0:
                    raise self._refusal(
                        name,
                        f"your requests of the last minute were more {what} than one client may "
                        "ask for. Ask less often, or for less with filters, field and limit",
                        wait,
                    )
        self.requests += 1
        return now

    def end(self, began: float, *, was_work: bool) -> None:
        """Count a request's end, and the time for which it was worked on."""
        self.requests -= 1
        if was_work and self.name:
            now = self._now()
            # What several worked on at the same time counts once.
            took = now - max(began, self._counted_until)
            self._counted_until = now
            self.seconds.add(max(0.0, took), self._limits().seconds_per_client, now)
            self.recent.add(max(0.0, took), now)

    def read(self, rows: int) -> None:
        """Count rows that were read."""
        if self.name:
            self.rows.add(rows, self._limits().rows_per_client, self._now())

    @contextmanager
    def live_connection(self) -> Iterator[None]:
        """Count a websocket or event stream. Raises TooMuch."""
        if self.is_user and self.live_connections >= self._limits().live_connections_per_user:
            raise self._refusal(
                "live_connections_per_user",
                f"you have {self.live_connections} live connections, the most for one user. "
                "Close some pages or programs",
                10,
            )
        # It waits for events from now on, which is no work.
        self.live_connections += 1
        self.requests -= 1
        try:
            yield
        finally:
            self.requests += 1
            self.live_connections -= 1

    @contextmanager
    def large_answer(self) -> Iterator[None]:
        """Count a large answer that is sent. Raises TooMuch."""
        if self.name and self.large_answers >= self._limits().large_answers_per_client:
            raise self._refusal(
                "large_answers_per_client",
                f"{self.large_answers} large answers are sent to you, the most for one client. "
                "Wait until one has ended, or ask for less with limit",
                5,
            )
        self.large_answers += 1
        try:
            yield
        finally:
            self.large_answers -= 1

    def hold(self, size: int) -> None:
        """Count bytes of a large body, which are in memory; negative if they no longer are.

        Raises TooMuch.
        """
        most = self._limits().body_bytes_per_client
        if self.name and size > 0 and self.body_bytes + size > most:
            raise self._refusal(
                "body_bytes_per_client",
                "your requests in progress are larger than those of one client may be together. "
                "Send one after the other",
            )
        self.body_bytes += size

    def _refusal(self, limit: str, message: str, wait: float = 1.0) -> TooMuch:
        self._tell(self, limit)
        return TooMuch(f"{message} (c['www']['limits'][{limit!r}])", max(1, math.ceil(wait)))


class Allowances:
    """The allowances of all clients."""

    def __init__(
        self,
        *,
        limits: Callable[[], WebLimits],
        audit: AuditTrail,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._audit = audit
        self._now = now
        self._kept: OrderedDict[str, Allowance] = OrderedDict()
        self._unlimited = Allowance("", limits, now, lambda _, __: None)

    def of(self, request: web.BaseRequest, visitor: Visitor) -> Allowance:
        """Return the allowance of a request's client."""
        user = visitor.user
        if user.may_everything:
            return self._unlimited
        # Nobody's name looks like an address with this before it.
        name = user.name and f"{_USER}{user.name}"
        if not name and not (name := address_key(address_of(request))):
            return self._unlimited  # A unix socket: a proxy that does not say for whom.
        found = self._kept.get(name)
        if found is None:
            found = self._kept[name] = Allowance(name, self._limits, self._now, self._tell)
            if len(self._kept) > _MOST_KEPT:
                self._forget_idle()
        return found

    def _forget_idle(self) -> None:
        """Forget the half that came first, but for those who have something in progress."""
        for name in [*self._kept][: _MOST_KEPT // 2]:
            if self._kept[name].is_idle:
                del self._kept[name]

    def _tell(self, client: Allowance, limit: str) -> None:
        now = self._now()
        if now - client.told_at < _TOLD_SECONDS:
            return
        client.told_at = now
        user_name = client.name.removeprefix(_USER) if client.is_user else ""
        address = "" if client.is_user else client.name
        _log.warning(
            "refusing requests of %s: more than c['www']['limits'][%r]", client.name, limit
        )
        self._audit.refused(LIMIT, limit, user_name, address, "more than one client may take")
