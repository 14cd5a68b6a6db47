"""Who is at the other end of a connection, for people."""

from __future__ import annotations

import asyncio


def peer_name(transport: asyncio.BaseTransport) -> tuple[str, str]:
    """Return the host, and host and port."""
    name = transport.get_extra_info("peername")
    if not isinstance(name, tuple) or len(name) < 2:
        return "a local process", "a local process"
    host, port = str(name[0]), name[1]
    host = host.removeprefix("::ffff:")
    return host, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
