"""``c['protocols']``: the ports at which workers connect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from buildbot._border.numbers import PORT
from buildbot._host.reading.listening import addresses, without_tls
from buildbot._host.reading.section import Section
from chargehand.config.model import WORKER_PROTOCOLS, WorkerPort
from chargehand.kit.values import replace

_KNOWN = (*WORKER_PROTOCOLS, "null", "wamp")


def read_protocols(section: Section) -> dict[str, Any]:
    """Return the options of each protocol."""
    part = section.part("protocols")
    if part is None:
        return {}
    found: dict[str, Any] = {}
    for name, options in part.values.items():
        if not isinstance(options, dict):
            section.error(f"c['protocols']['{name}'] must be a dictionary", "protocols", str(name))
        elif name not in _KNOWN:
            section.error(f"c['protocols']: unknown protocol \"{name}\"", "protocols", str(name))
        elif (problem := _wrong_port(options.get("port"))) is not None:
            section.error(f"c['protocols']['{name}']: {problem}", "protocols", str(name))
        else:
            found[name] = dict(options)
    return found


def _wrong_port(port: object) -> str | None:
    """Return what is wrong with a number; endpoints have their own syntax."""
    if isinstance(port, str):
        return PORT.problem("port", int(port)) if port.isdecimal() else None
    return None if port is None else PORT.problem("port", port)


def read_worker_ports(section: Section, protocols: dict[str, Any]) -> tuple[WorkerPort, ...]:
    """Return the ports of all protocols."""
    found: list[WorkerPort] = []
    for name in WORKER_PROTOCOLS:
        options = protocols.get(name, {})
        directory = Path(section.file).parent
        try:
            ports = _ports(name, options.get("port"), directory)
            found.extend(_verifying(ports, options, directory))
        except ValueError as wrong:
            section.error(f"c['protocols']['{name}']['port']: {wrong}", "protocols", name, "port")
    return tuple(found)


def _verifying(
    ports: list[WorkerPort], options: dict[str, Any], directory: Path
) -> list[WorkerPort]:
    """Return the ports, which ask workers for certificates if they are to."""
    authority = options.get("client_ca")
    if authority is None:
        return ports
    found: list[WorkerPort] = []
    for port in ports:
        if not isinstance(authority, str) or port.tls is None:
            raise ValueError(
                f"client_ca must be the path of a file, beside an 'ssl:' port, not {authority!r}"
            )
        tls = replace(port.tls, client_ca=str(directory / authority))
        found.append(replace(port, tls=tls))
    return found


def _ports(protocol: str, port: Any, directory: Path) -> list[WorkerPort]:
    text = str(port)
    text = f"tcp:{text}" if text.isdecimal() else text
    where, tls = without_tls(port, directory)
    return [
        WorkerPort(protocol=protocol, address=address, text=text, tls=tls)
        for address in addresses(where)
    ]
