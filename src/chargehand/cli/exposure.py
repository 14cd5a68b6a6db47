"""Refusing to expose a master to the network where the configuration requires logging in."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence

from chargehand.app.failure import CommandFailed
from chargehand.config.model import MasterConfig
from chargehand.web.listening import Address

ALLOW_ANONYMOUS = "--allow-anonymous"


def refusing_exposure(*, allow_anonymous: bool) -> Callable[[MasterConfig], MasterConfig]:
    """Return a check for each configuration before it comes into force.

    A configuration that requires logging in, which is not supported yet, may only listen on this
    machine.
    """

    def look(config: MasterConfig) -> MasterConfig:
        exposed = [one for one in config.web.listen if not _is_local(one)]
        keys = " and ".join(config.web.login_keys)
        if not keys or not exposed or allow_anonymous:
            return config
        verb = "is" if len(config.web.login_keys) == 1 else "are"
        raise CommandFailed(
            f"{keys} {verb} configured, but logging in is not supported yet: everybody who reaches "
            f"{_where(exposed)} could read everything. Either listen on this machine only "
            f"(c['www']['port'] = 'tcp:{_port(exposed)}:interface=127.0.0.1') behind a proxy that "
            f"authenticates your users, or start with {ALLOW_ANONYMOUS}."
        )

    return look


def _is_local(address: Address) -> bool:
    if isinstance(address, str):
        return True
    try:
        return ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        return address[0] == "localhost"


def _port(addresses: Sequence[Address]) -> int:
    return next(one[1] for one in addresses if not isinstance(one, str))


def _where(addresses: Sequence[Address]) -> str:
    return ", ".join(
        one if isinstance(one, str) else f"port {one[1]} of {one[0] or 'any address'}"
        for one in addresses
    )
