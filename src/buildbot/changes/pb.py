"""Changes that clients send: ``sendchange`` and hook scripts of version control systems."""

from __future__ import annotations

from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import inward, outward
from buildbot._border.errors import error
from buildbot._border.numbers import PORT, check_number
from buildbot.changes.base import ChangeSource
from buildbot.changes.perspective import ChangePerspective
from buildbot.pbmanager import Registration
from chargehand.domain.trust import TrustLevel, UnknownLevel, level_from

__all__ = ["ChangePerspective", "PBChangeSource"]


class PBChangeSource(ChangeSource):
    """Listens with Perspective Broker for changes from clients that know *user* and *passwd*.

    ``port`` is a number, an endpoint (``tcp:9989:interface=127.0.0.1``), or None for the port of
    the workers; several sources with different users may share one. Of the files only those below
    ``prefix`` count, without it.

    Args:
        user (str): User name for sendchange.
        passwd (str, renderable): Password for sendchange, usually a util.Secret.
        port (int | str | None): Port or endpoint to listen at; None for that of the workers.
        prefix (str | None): Only files below this path count, without it.
        trust (str): How far its changes are trusted at most: ``untrusted``, ``reviewed`` or
            ``trusted``. Clients can send less with ``sendchange --trust``.
    """

    secrets = ("passwd",)

    def __init__(
        self,
        user: str = "change",
        passwd: Any = "changepw",
        port: int | str | None = None,
        prefix: str | None = None,
        name: str | None = None,
        trust: str = "trusted",
    ) -> None:
        self._registration: Registration | None = None
        self.user, self.passwd, self.port, self.prefix = user, passwd, port, prefix
        self.trust = trust
        super().__init__(
            user=user,
            passwd=passwd,
            port=port,
            prefix=prefix,
            name=name or _name(port, prefix),
            trust=trust,
        )

    def checkConfig(
        self, user: str, passwd: Any, port: int | str | None, prefix: str | None, trust: str
    ) -> None:
        """Say what is wrong with the arguments."""
        if not isinstance(user, str) or not user:
            error(f"PBChangeSource: user must be a name, not {user!r}")
        if port is not None and not isinstance(port, str):
            check_number("PBChangeSource", "port", port, PORT)
        if prefix is not None and not isinstance(prefix, str):
            error(f"PBChangeSource: prefix must be a string or None, not {prefix!r}")
        try:
            level_from(trust)
        except UnknownLevel as wrong:
            error(f"PBChangeSource: {wrong}")

    @own_arguments
    def reconfigService(
        self, user: str, passwd: Any, port: int | str | None, prefix: str | None, trust: str
    ) -> Any:
        """Take over the arguments, secrets rendered."""
        self.user, self.passwd, self.port, self.prefix = user, passwd, port, prefix
        self.trust = trust
        return super().reconfigService()

    def weaknesses(self) -> list[tuple[str, str, str]]:
        """Return what others can misuse: grade, what, and what to do."""
        if (self.user, self.passwd) != ("change", "changepw"):
            return []
        what = "PBChangeSource has the password that everybody knows: anybody can send changes"
        return [("open", what, "pass it user and passwd=util.Secret(NAME)")]

    def describe(self) -> str:
        """Return a sentence for people."""
        port = self.port if self.port is not None else "the workers' port"
        return f"PBChangeSource listener on {port}"

    def getPerspective(self, mind: Any, username: str) -> ChangePerspective:
        """Return what a client may do."""
        return ChangePerspective(self._add_change, self.prefix)

    def activate(self) -> Any:
        """Listen; returns a Deferred."""
        return outward(self._listen())

    def deactivate(self) -> Any:
        """Listen no more; returns a Deferred."""
        return outward(self._close())

    async def _listen(self) -> None:
        port = self.port if self.port is not None else _workers_port(self.master)
        self._registration = await inward(
            self.master.pbmanager.register, port, self.user, self.passwd, self.getPerspective
        )

    async def _close(self) -> None:
        registration, self._registration = self._registration, None
        if registration is not None:
            await inward(registration.unregister)

    async def _add_change(self, **change: Any) -> None:
        most = level_from(self.trust)
        if most.rank < level_from(change.get("trust", TrustLevel.TRUSTED)).rank:
            change["trust"] = most.value
            change["trust_reason"] = f"change source {self.name}"
        await inward(self.master.data.updates.addChange, **change)


class NoPort(Exception):
    """There is nothing to listen on."""


def _workers_port(master: Any) -> int | str:
    protocols = getattr(master.config, "protocols", None) or {}
    port: int | str | None = protocols.get("pb", {}).get("port")
    if port is None:
        raise NoPort(
            "PBChangeSource has no port: set port=… or c['protocols'] = {'pb': {'port': …}}"
        )
    return port


def _name(port: int | str | None, prefix: str | None) -> str:
    parts = ["PBChangeSource", *([str(prefix)] if prefix else []), str(port)]
    return ":".join(parts)
