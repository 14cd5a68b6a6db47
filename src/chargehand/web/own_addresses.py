"""The addresses of this machine, for URLs."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

_SIOCGIFADDR = 0x8915
_INTERFACES_6 = Path("/proc/net/if_inet6")
_LINK_LOCAL = "20"


def own_addresses() -> list[str]:
    """Return the addresses of this machine's interfaces, loopback first."""
    found = dict.fromkeys([*_addresses_4(), *_addresses_6()])
    return sorted(found, key=lambda one: not ipaddress.ip_address(one).is_loopback)


def site_urls(host: str, port: int, *, is_encrypted: bool = False) -> list[str]:
    """Return the URLs of a site that listens on this host and port."""
    hosts = own_addresses() if host in ("", "0.0.0.0", "::") else [host]
    if host == "0.0.0.0":
        hosts = [one for one in hosts if ":" not in one]
    scheme = "https" if is_encrypted else "http"
    return [f"{scheme}://{f'[{one}]' if ':' in one else one}:{port}/" for one in hosts]


def _addresses_4() -> Iterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
            except OSError:
                continue  # The interface has no address.
            yield socket.inet_ntoa(answer[20:24])


def _addresses_6() -> Iterator[str]:
    if not socket.has_dualstack_ipv6() or not _INTERFACES_6.exists():
        return
    for line in _INTERFACES_6.read_text().splitlines():
        digits, _, _, scope, *_ = line.split()
        if scope != _LINK_LOCAL:
            yield str(ipaddress.ip_address(bytes.fromhex(digits)))
