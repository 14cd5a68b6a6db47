"""Where a server listens, as configurations write it."""

from __future__ import annotations

import re
from pathlib import Path

from chargehand.config.tls_files import TlsFiles

Address = tuple[str, int] | str
_ANY = ""
_COLON = re.compile(r"(?<!\\):")


def addresses(port: object) -> tuple[Address, ...]:
    """Return the addresses of a port: a number, digits, or Twisted's description of an endpoint.

    None and 0 mean none. A path is that of a unix socket. Raises ValueError with a sentence.
    """
    if port is None or port is False:
        return ()
    if isinstance(port, int):
        return ((_ANY, _checked(port)),) if port else ()
    if not isinstance(port, str) or not port.strip():
        raise ValueError(
            f"a port must be a number or a string like 'tcp:8010:interface=127.0.0.1', not {port!r}"
        )
    text = port.strip()
    if text.isdigit():
        return addresses(int(text))
    kind, *arguments = [part.replace("\\:", ":") for part in _COLON.split(text)]
    plain = [part for part in arguments if "=" not in part]
    named = dict(part.split("=", 1) for part in arguments if "=" in part)
    match kind:
        case "tcp" | "tcp4" | "tcp6":
            number = plain[0] if plain else named.get("port", "")
            if not number.isdigit():
                raise ValueError(f"{text!r} has no port number")
            default = "::" if kind == "tcp6" else _ANY
            return ((named.get("interface", default), _checked(int(number))),)
        case "unix":
            path = plain[0] if plain else named.get("address", "")
            if not path:
                raise ValueError(f"{text!r} has no path")
            return (path,)
        case _:
            raise ValueError(
                f"{kind!r} is not supported: use tcp:PORT[:interface=ADDRESS] or unix:PATH"
            )


def without_tls(port: object, directory: Path) -> tuple[object, TlsFiles | None]:
    """Return the plain port of an ``ssl:`` one, and its files, which are below *directory*.

    Other ports are returned as they are, without files.
    """
    if not isinstance(port, str) or not port.strip().startswith("ssl:"):
        return port, None
    parts = [part.replace("\\:", ":") for part in _COLON.split(port.strip())]
    plain = [part for part in parts if "=" not in part]
    named = dict(part.split("=", 1) for part in parts if "=" in part)
    key = str(directory / (named.get("privateKey") or "server.pem"))
    certificate, chain = named.get("certKey"), named.get("extraCertChain")
    tls = TlsFiles(
        certificate=str(directory / certificate) if certificate else key,
        key=key,
        chain=str(directory / chain) if chain else None,
    )
    number = [named["port"]] if "port" in named else []
    interface = [named["interface"].replace(":", "\\:")] if "interface" in named else []
    listed = [f"interface={one}" for one in interface]
    return ":".join(["tcp", *plain[1:], *number, *listed]), tls


def _checked(port: int) -> int:
    if not 0 <= port < 65536:
        raise ValueError(f"{port} is not a valid port (0\u201365535)")
    return port
