"""``hostconfig`` of Docker containers, from docker-py's words to those of the engine's API.

The engine ignores a setting that it does not know; therefore each name is one of docker-py's, or
begins with a capital letter, as the API's names do.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_BYTES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class BadSetting(ValueError):
    """A setting that the engine cannot be given."""


def host_config(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``hostconfig`` as the API has it: names may be those of docker-py or the API's own.

    Raises BadSetting.
    """
    if not isinstance(settings, Mapping):
        raise BadSetting(f"hostconfig must be a dictionary, not {settings!r}")
    return dict(
        _translated(str(name), value) for name, value in settings.items() if value is not None
    )


def bytes_of(size: object) -> int:
    """Return a size, such as ``"512m"``, in bytes. Raises BadSetting."""
    if isinstance(size, int):
        return size
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)b?", str(size).strip().lower())
    if found is None:
        raise BadSetting(f"{size!r} is not a size: write a number of bytes, or 512m, or 2g")
    return int(float(found[1]) * _BYTES[found[2]])


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


def _translated(name: str, value: Any) -> tuple[str, Any]:
    if name[:1].isupper():
        return name, value
    if name not in _SETTINGS:
        near = difflib.get_close_matches(name, _SETTINGS, 1)
        meant = f'; do you mean "{near[0]}"?' if near else ""
        raise BadSetting(f'hostconfig: there is no setting "{name}"{meant}')
    api_name, translate = _SETTINGS[name]
    try:
        return api_name, translate(value)
    except BadSetting as wrong:
        raise BadSetting(f"hostconfig: {name}: {wrong}") from wrong
    except (TypeError, ValueError, LookupError, AttributeError) as wrong:
        raise BadSetting(f"hostconfig: {name} cannot be {value!r}") from wrong


def _as_it_is(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)


def _texts(value: Any) -> list[str]:
    return [str(one) for one in _listed(value)]


def _split(value: Any) -> list[str]:
    return value.split(",") if isinstance(value, str) else list(value)


def _pairs(value: Any) -> list[str]:
    """``NAME:VALUE`` of each, from a dictionary or from pairs."""
    pairs = value.items() if isinstance(value, Mapping) else value
    return [one if isinstance(one, str) else f"{one[0]}:{one[1]}" for one in pairs]


def _tmpfs(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return dict(value)
    return {path: options for path, _, options in (one.partition(":") for one in _listed(value))}


def _binds(value: Any) -> list[str]:
    if not isinstance(value, Mapping):
        return binds(_listed(value))
    return [_bind(source, target) for source, target in value.items()]


def _bind(source: str, target: Any) -> str:
    if not isinstance(target, Mapping):
        return f"{source}:{target}:rw"
    if "ro" in target and "mode" in target:
        raise BadSetting(f'"{source}" cannot have both ro and mode')
    mode = target.get("mode") or ("ro" if target.get("ro") else "rw")
    options = filter(None, (mode, target.get("propagation")))
    return f"{source}:{target['bind']}:{','.join(options)}"


def _devices(value: Any) -> list[Any]:
    return [_device(one) for one in _listed(value)]


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


def _ports(value: Mapping[Any, Any]) -> dict[str, list[dict[str, str]]]:
    return {
        str(inner) if "/" in str(inner) else f"{inner}/tcp": [
            _port(one) for one in (outer if isinstance(outer, list) else [outer])
        ]
        for inner, outer in value.items()
    }


def _port(outer: Any) -> dict[str, str]:
    """A port, ``(ADDRESS, PORT)``, ``(ADDRESS,)``, ``(PORT,)``, or None: the engine chooses."""
    address, port = "", outer
    if isinstance(outer, tuple):
        address, port = outer if len(outer) > 1 else (outer[0], None)
        if isinstance(address, int):
            address, port = "", address
    return {"HostIp": str(address), "HostPort": "" if port is None else str(port)}


def _capitalized(value: Any) -> Any:
    """With the API's keys."""
    return {key[:1].upper() + key[1:]: setting for key, setting in value.items()}


def _ulimits(value: Any) -> list[Any]:
    return [
        _capitalized(one)
        if isinstance(one, Mapping)
        else {"Name": one.name, "Soft": one.soft, "Hard": one.hard}
        for one in value
    ]


def _device_requests(value: Any) -> list[Any]:
    names = {"device_ids": "DeviceIDs"}
    return [_capitalized({names.get(key, key): one[key] for key in one}) for one in value]


_SETTINGS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "auto_remove": ("AutoRemove", _as_it_is),
    "binds": ("Binds", _binds),
    "blkio_weight": ("BlkioWeight", _as_it_is),
    "blkio_weight_device": ("BlkioWeightDevice", _as_it_is),
    "cap_add": ("CapAdd", _listed),
    "cap_drop": ("CapDrop", _listed),
    "cgroup_parent": ("CgroupParent", _as_it_is),
    "cgroupns": ("CgroupnsMode", _as_it_is),
    "cpu_count": ("CpuCount", _as_it_is),
    "cpu_percent": ("CpuPercent", _as_it_is),
    "cpu_period": ("CpuPeriod", _as_it_is),
    "cpu_quota": ("CpuQuota", _as_it_is),
    "cpu_rt_period": ("CpuRealtimePeriod", _as_it_is),
    "cpu_rt_runtime": ("CpuRealtimeRuntime", _as_it_is),
    "cpu_shares": ("CpuShares", _as_it_is),
    "cpuset_cpus": ("CpusetCpus", _as_it_is),
    "cpuset_mems": ("CpusetMems", _as_it_is),
    "device_cgroup_rules": ("DeviceCgroupRules", _listed),
    "device_read_bps": ("BlkioDeviceReadBps", _as_it_is),
    "device_read_iops": ("BlkioDeviceReadIOps", _as_it_is),
    "device_requests": ("DeviceRequests", _device_requests),
    "device_write_bps": ("BlkioDeviceWriteBps", _as_it_is),
    "device_write_iops": ("BlkioDeviceWriteIOps", _as_it_is),
    "devices": ("Devices", _devices),
    "dns": ("Dns", _listed),
    "dns_opt": ("DnsOptions", _listed),
    "dns_search": ("DnsSearch", _listed),
    "extra_hosts": ("ExtraHosts", _pairs),
    "group_add": ("GroupAdd", _texts),
    "init": ("Init", _as_it_is),
    "init_path": ("InitPath", _as_it_is),
    "ipc_mode": ("IpcMode", _as_it_is),
    "isolation": ("Isolation", _as_it_is),
    "kernel_memory": ("KernelMemory", bytes_of),
    "links": ("Links", _pairs),
    "log_config": ("LogConfig", _capitalized),
    "mem_limit": ("Memory", bytes_of),
    "mem_reservation": ("MemoryReservation", bytes_of),
    "mem_swappiness": ("MemorySwappiness", _as_it_is),
    "memswap_limit": ("MemorySwap", bytes_of),
    "mounts": ("Mounts", _as_it_is),
    "nano_cpus": ("NanoCpus", _as_it_is),
    "network_mode": ("NetworkMode", _as_it_is),
    "oom_kill_disable": ("OomKillDisable", _as_it_is),
    "oom_score_adj": ("OomScoreAdj", _as_it_is),
    "pid_mode": ("PidMode", _as_it_is),
    "pids_limit": ("PidsLimit", _as_it_is),
    "port_bindings": ("PortBindings", _ports),
    "privileged": ("Privileged", _as_it_is),
    "publish_all_ports": ("PublishAllPorts", _as_it_is),
    "read_only": ("ReadonlyRootfs", _as_it_is),
    "restart_policy": ("RestartPolicy", _capitalized),
    "runtime": ("Runtime", _as_it_is),
    "security_opt": ("SecurityOpt", _listed),
    "shm_size": ("ShmSize", bytes_of),
    "storage_opt": ("StorageOpt", _as_it_is),
    "sysctls": ("Sysctls", _as_it_is),
    "tmpfs": ("Tmpfs", _tmpfs),
    "ulimits": ("Ulimits", _ulimits),
    "userns_mode": ("UsernsMode", _as_it_is),
    "uts_mode": ("UTSMode", _as_it_is),
    "volume_driver": ("VolumeDriver", _as_it_is),
    "volumes_from": ("VolumesFrom", _split),
}
"""For each of docker-py's names the API's, and what makes the API's value."""
