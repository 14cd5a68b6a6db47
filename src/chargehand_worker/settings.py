"""The settings of a worker on a machine of its own, in ``worker.toml`` in its directory."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Optional, Union, get_type_hints

from chargehand_wire.master_address import BadAddress, master_address
from chargehand_worker.proxy import BadProxy, proxy_of

SETTINGS_FILE = "worker.toml"
_BY_SIGNAL, _BY_FILE = "signal", "file"
SHUTDOWNS = (_BY_SIGNAL, _BY_FILE)


class BadSettings(Exception):
    """The settings are missing or wrong; the message says what to do."""


@dataclass(frozen=True)
class WorkerSettings:
    """What ``create-worker`` writes, and the worker reads when it starts."""

    master: str
    name: str
    password: str
    keepalive: float = 10.0
    """Seconds of silence after which it asks the master for a sign of life."""
    maxdelay: float = 60.0
    """Seconds; the longest pause between attempts to connect."""
    maxretries: Optional[int] = None
    """After how many failed attempts in a row it exits; None: never."""
    patience: float = 600.0
    """Seconds that commands go on without a connection to the master."""
    spool: int = 1024
    """Mebibytes of output that are kept on disk while there is no connection."""
    numcpus: Optional[int] = None
    umask: Optional[str] = None
    allow_shutdown: Optional[str] = None
    delete_leftover_dirs: bool = False
    inherit_environment: Union[bool, list[str], None] = None
    """Which variables commands inherit besides the usual ones: names or patterns, or all. None:
    none, but in a container that was made for this worker, what its image has set."""
    control_groups: bool = True
    """Whether commands get control groups of their own, where that is possible."""
    proxy: Optional[str] = None
    """The HTTP proxy to connect through; empty: none; None: that of the environment."""
    ca_file: Optional[str] = None
    """Certificates by which the master's is verified; None: those of the system."""
    certificate: Optional[str] = None
    """The worker's own certificate, for a master that asks for one."""
    key: Optional[str] = None

    def __post_init__(self) -> None:
        """Check them. Raises BadSettings."""
        self._check_login()
        if self.spool < 0:
            raise BadSettings("spool must be a number of mebibytes, 0 or more")
        if self.maxretries is not None and self.maxretries < 0:
            raise BadSettings("maxretries must be a number of attempts, 0 or more")
        if self.numcpus is not None and self.numcpus < 1:
            raise BadSettings("numcpus must be a number of processors, 1 or more")
        if self.key is not None and self.certificate is None:
            raise BadSettings("key belongs to a certificate: name that as well")
        if not self.keepalive > 0 or not self.maxdelay > 0 or not self.patience >= 0:
            raise BadSettings("keepalive, maxdelay and patience must be numbers of seconds above 0")
        if self.allow_shutdown not in (None, *SHUTDOWNS):
            raise BadSettings('allow_shutdown must be "signal" or "file"')
        if self.umask is not None:
            self.file_mask()
        if self.proxy:
            try:
                proxy_of(self.proxy)
            except BadProxy as error:
                raise BadSettings(f"proxy: {error}") from None

    def _check_login(self) -> None:
        try:
            master_address(self.master)
        except BadAddress as error:
            raise BadSettings(str(error)) from None
        if not self.name.strip() or not self.name.isprintable():
            raise BadSettings(f"name must be the worker's in master.cfg, not {self.name!r}")
        if not self.password:
            raise BadSettings("password must not be empty")

    def file_mask(self) -> Optional[int]:
        """Return the umask as a number. Raises BadSettings."""
        if self.umask is None:
            return None
        try:
            mask = int(self.umask.lower().replace("0o", ""), 8)
        except ValueError:
            mask = -1
        if not 0 <= mask <= 0o777:
            raise BadSettings(f'umask must be an octal number such as 022, not "{self.umask}"')
        return mask

    @property
    def may_shut_down_by_signal(self) -> bool:
        """Whether SIGHUP asks the master for a graceful shutdown."""
        return self.allow_shutdown == _BY_SIGNAL

    @property
    def may_shut_down_by_file(self) -> bool:
        """Whether touching ``shutdown.stamp`` does so."""
        return self.allow_shutdown == _BY_FILE


def read_settings(directory: Path) -> WorkerSettings:
    """Read the settings of the worker in a directory. Raises BadSettings."""
    path = directory / SETTINGS_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadSettings(
            f'"{directory}" is not a worker\'s directory: it has no {SETTINGS_FILE}. '
            f"To create it: chargehand-worker create-worker {directory} URL NAME PASSWORD"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f'cannot read "{path}": {error}') from None
    try:
        return _checked(_parsed(text))
    except BadSettings as error:
        raise BadSettings(f"{path}: {error}") from None


def write_settings(directory: Path, settings: WorkerSettings) -> None:
    """Write the settings into a file that only its owner can read. Raises OSError."""
    lines = [
        f"{name} = {json.dumps(value)}"
        for name, value in asdict(settings).items()
        if value is not None
    ]
    path = directory / SETTINGS_FILE
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        if hasattr(os, "fchmod"):
            os.fchmod(file.fileno(), 0o600)
        file.write("\n".join(lines) + "\n")


def _parsed(text: str) -> dict[str, Any]:
    """Read ``name = value`` lines: as much of TOML as JSON has in common with it."""
    found: dict[str, Any] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, is_pair, value = stripped.partition("=")
        try:
            if not is_pair:
                raise ValueError
            found[name.strip()], end = json.JSONDecoder().raw_decode(value.strip())
            if value.strip()[end:].strip() and not value.strip()[end:].strip().startswith("#"):
                raise ValueError
        except ValueError:
            raise BadSettings(
                f'line {number} must be NAME = VALUE, with texts in double quotes: "{stripped}"'
            ) from None
    return found


def _checked(values: Mapping[str, Any]) -> WorkerSettings:
    known = {field.name for field in fields(WorkerSettings)}
    for name in values:
        if name not in known:
            raise BadSettings(f'unknown setting "{name}"; known are {", ".join(sorted(known))}')
    hints = get_type_hints(WorkerSettings)
    for name, value in values.items():
        if not _fits(value, hints[name]):
            raise BadSettings(f'"{name}" cannot be {json.dumps(value)}')
    missing = [name for name in ("master", "name", "password") if name not in values]
    if missing:
        raise BadSettings(f'"{missing[0]}" is missing')
    return WorkerSettings(**values)


def _fits(value: object, kind: object) -> bool:
    kinds = getattr(kind, "__args__", (kind,)) if kind != list[str] else (kind,)
    for one in kinds:
        if one == list[str]:
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                return True
        elif one is float and isinstance(value, (int, float)) and not isinstance(value, bool):
            return True
        elif one is int and isinstance(value, bool):
            continue
        elif isinstance(one, type) and isinstance(value, one):
            return True
    return False
