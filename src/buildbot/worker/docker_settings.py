"""Settings of Docker containers, from the words of configurations to those of the engine's API."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

_BYTES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_NAMES = {
    "mem_limit": "Memory",
    "memswap_limit": "MemorySwap",
    "mem_reservation": "MemoryReservation",
    "mem_swappiness": "MemorySwappiness",
    "kernel_memory": "KernelMemory",
    "cpuset_cpus": "CpusetCpus",
    "cpuset_mems": "CpusetMems",
    "nano_cpus": "NanoCpus",
    "read_only": "ReadonlyRootfs",
    "oom_kill_disable": "OomKillDisable",
    "pids_limit": "PidsLimit",
}
"""Words of ``hostconfig`` that the API calls otherwise than by joining them."""
_SIZES = {"mem_limit", "memswap_limit", "mem_reservation", "shm_size", "kernel_memory"}


class BadSetting(ValueError):
    """A setting that the engine cannot be given."""


def engine_url(docker_host: str, *, is_encrypted: bool) -> tuple[str, str | None]:
    """Return the base of URLs, and the path of the unix socket, if it is one. Raises BadSetting."""
    address = docker_host.strip()
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "tcp", address
    if scheme in ("unix", "http+unix"):
        return "http://docker", "/" + rest.lstrip("/")
    if scheme in ("tcp", "http", "https"):
        parts = urlsplit(f"//{rest}")
        if parts.hostname is None:
            raise BadSetting(f'docker_host "{docker_host}" names no host')
        is_encrypted = is_encrypted or scheme == "https"
        port = parts.port or (2376 if is_encrypted else 2375)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{'https' if is_encrypted else 'http'}://{host}:{port}{parts.path}", None
    raise BadSetting(
        f'docker_host "{docker_host}" must begin with unix://, tcp://, http:// or https://'
    )


def bytes_of(size: object) -> int:
    """Return a size, such as ``"512m"``, in bytes. Raises BadSetting."""
    if isinstance(size, int):
        return size
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)b?", str(size).strip().lower())
    if found is None:
        raise BadSetting(f"{size!r} is not a size: write a number of bytes, or 512m, or 2g")
    return int(float(found[1]) * _BYTES[found[2]])


def host_config(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``hostconfig`` as the API has it: names may be those of docker-py or the API's own."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if value is None:
            continue
        if name[:1].isupper():
            found[name] = value
            continue
        api_name = _NAMES.get(name) or "".join(word.capitalize() for word in name.split("_"))
        found[api_name] = _value(name, value)
    return found


def _value(name: str, value: Any) -> Any:
    match name:
        case _ if name in _SIZES:
            return bytes_of(value)
        case "extra_hosts" if isinstance(value, Mapping):
            return [f"{host}:{address}" for host, address in value.items()]
        case "tmpfs" if isinstance(value, list | tuple):
            return {path: options for path, _, options in (one.partition(":") for one in value)}
        case "binds" if isinstance(value, Mapping):
            return [_bind(source, target) for source, target in value.items()]
        case "devices":
            return [_device(one) for one in value]
        case "port_bindings":
            return dict(_port(inner, outer) for inner, outer in value.items())
        case "ulimits":
            return [_ulimit(one) for one in value]
        case "restart_policy" if isinstance(value, Mapping):
            return {key[:1].upper() + key[1:]: setting for key, setting in value.items()}
        case "cap_add" | "cap_drop" | "dns" | "dns_search" | "security_opt" | "volumes_from":
            return [value] if isinstance(value, str) else list(value)
    return list(value) if isinstance(value, tuple) else value


def _bind(source: str, target: Any) -> str:
    if isinstance(target, Mapping):
        return f"{source}:{target['bind']}:{target.get('mode', 'rw')}"
    return f"{source}:{target}"


def _device(device: Any) -> Any:
    if not isinstance(device, str):
        return device
    outside, _, rest = device.partition(":")
    inside, _, permissions = rest.partition(":")
    return {
        "PathOnHost": outside,
        "PathInContainer": inside or outside,
        "CgroupPermissions": permissions or "rwm",
    }


def _port(inner: Any, outer: Any) -> tuple[str, list[dict[str, str]]]:
    name = str(inner) if "/" in str(inner) else f"{inner}/tcp"
    outers = outer if isinstance(outer, list) else [outer]
    return name, [
        {"HostIp": str(one[0]), "HostPort": str(one[1])}
        if isinstance(one, tuple)
        else {"HostPort": "" if one is None else str(one)}
        for one in outers
    ]


def _ulimit(limit: Any) -> Any:
    if isinstance(limit, Mapping):
        return {key[:1].upper() + key[1:]: value for key, value in limit.items()}
    return {"Name": limit.name, "Soft": limit.soft, "Hard": limit.hard}


def binds(volumes: Iterable[str]) -> list[str]:
    """Check ``volumes``: ``SOURCE:TARGET``, with ``:ro`` or ``:rw``. Raises BadSetting."""
    found = []
    for volume in volumes:
        source, separator, target = str(volume).partition(":")
        if not (source and separator and target.startswith("/")):
            raise BadSetting(
                f'volume "{volume}" must be SOURCE:TARGET, SOURCE:TARGET:ro or SOURCE:TARGET:rw'
            )
        found.append(f"{source}:{target}")
    return found


def build_context(dockerfile: str) -> bytes:
    """Return an archive that has only this Dockerfile."""
    text = dockerfile.encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return archive.getvalue()


def image_name(dockerfile: bytes, buildargs: Mapping[str, str] | None, target: str | None) -> str:
    """Return the name of an image that is built: another one when anything in it is another."""
    told = json.dumps([buildargs or {}, target], sort_keys=True).encode()
    return f"chargehand-built-{hashlib.sha256(dockerfile + told).hexdigest()[:16]}:latest"


def with_tag(image: str) -> tuple[str, str]:
    """Return the name and the tag of an image; ``latest`` unless it has a tag or a digest."""
    if "@" in image:
        return image, ""
    name, _, tag = image.rpartition(":")
    return (name, tag) if name and "/" not in tag else (image, "latest")
