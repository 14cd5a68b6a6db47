"""What of a visitor's orders goes into the audit log."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from chargehand.domain.audit import ORDER, THIS_MACHINE, AuditEntry
from chargehand.domain.user import User
from chargehand.kit.clock import Clock
from chargehand.resources.policy import Visitor
from chargehand.web.access.proxies import address_of
from chargehand.web.ports import AuditLog

_TELLING = ("builderid", "builderNames", "enabled", "priority", "results")
"""Parameters that say what an order does; others may be large, or secret."""
_LONGEST = 200


class AuditTrail:
    """Notes orders, and those that were refused."""

    def __init__(self, *, log: AuditLog | None, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    def ordered(
        self,
        action: str,
        path: str,
        parameters: Mapping[str, object],
        by: User,
        origin: str,
        refusal: str | None,
    ) -> None:
        """Note an order, which is carried out after this unless there is a *refusal*."""
        if self._log is None:
            return
        given = parameters.get("reason")
        entry = AuditEntry(
            happened_at=self._clock.timestamp(),
            kind=ORDER,
            action=action,
            path=path,
            user_name=by.name or by.email,
            origin=origin,
            is_allowed=refusal is None,
            details={name: _short(parameters[name]) for name in _TELLING if name in parameters},
            reason=refusal or (given if isinstance(given, str) else ""),
        )
        self._log.note(entry)

    def happened(
        self,
        kind: str,
        action: str,
        by: User,
        origin: str,
        details: Mapping[str, object],
        path: str = "",
    ) -> None:
        """Note that somebody logged in or out, made a token …"""
        self._note(kind, action, by.name or by.email, origin, details=details, path=path)

    def refused(self, kind: str, action: str, name: str, origin: str, why: str) -> None:
        """Note that somebody was not let in."""
        self._note(kind, action, name, origin, refusal=why)

    def _note(
        self,
        kind: str,
        action: str,
        name: str,
        origin: str,
        *,
        details: Mapping[str, object] | None = None,
        path: str = "",
        refusal: str = "",
    ) -> None:
        if self._log is not None:
            entry = AuditEntry(
                happened_at=self._clock.timestamp(),
                kind=kind,
                action=action,
                path=path,
                user_name=name[:_LONGEST],
                origin=origin,
                is_allowed=not refusal,
                details=dict(details or {}),
                reason=refusal,
            )
            self._log.note(entry)


def _short(value: object) -> object:
    return value if isinstance(value, bool | int | float | None) else str(value)[:_LONGEST]


def origin_of(request: web.BaseRequest, visitor: Visitor) -> str:
    """Return where a request comes from, as the audit log says it."""
    if visitor.user.is_operator:
        return THIS_MACHINE
    return address_of(request)
