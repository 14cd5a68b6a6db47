"""What the audit log says of secrets."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any

from buildbot._host.views.engine_access import EngineAccess
from chargehand.domain.audit import SECRET, THIS_MACHINE, AuditEntry

_MOST_KEPT = 10_000
_SECONDS = 3600.0
"""After how long the same is noted again."""


class SecretNotes:
    """Notes who got which secret: a build once, the configuration once an hour."""

    def __init__(self, access: EngineAccess) -> None:
        self._access = access
        self._noted: OrderedDict[tuple[int, str], float] = OrderedDict()

    def note(self, name: str, provider: str, properties: Any, *, refusal: str = "") -> None:
        """Note that something with these properties got a secret, or did not (*refusal*)."""
        build = properties.getBuild() if hasattr(properties, "getBuild") else None
        build_id = int(getattr(build, "buildid", 0) or 0)
        now = time.time()
        if now - self._noted.get((build_id, name), 0.0) < _SECONDS:
            return
        self._noted[build_id, name] = now
        while len(self._noted) > _MOST_KEPT:
            self._noted.popitem(last=False)
        who = "the configuration"
        if build_id:
            builder = properties.getProperty("buildername")
            number = properties.getProperty("buildnumber")
            who = f"build {builder} #{number}"
        self._access.engine.audit.note(
            AuditEntry(
                happened_at=now,
                kind=SECRET,
                action="get secret",
                path=f"builds/{build_id}" if build_id else "",
                user_name=who,
                origin=THIS_MACHINE,
                is_allowed=not refusal,
                details={"secret": name, "provider": provider} if provider else {"secret": name},
                reason=refusal,
            )
        )
