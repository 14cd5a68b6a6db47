"""The files in a master's directory."""

from __future__ import annotations

import ast
import contextlib
import fcntl
import os
import time
from collections.abc import Container
from pathlib import Path

import msgspec

from chargehand.app.failure import CommandFailed
from chargehand.kit.regular_files import open_regular, read_regular, require_regular

SETTINGS_FILE = "buildbot.tac"
LOG_FILE = "master.log"
LOG_LINK = "twistd.log"
PID_FILE = "twistd.pid"
_LONGEST = 64
"""Characters of a pid file to read; no number of a process is longer."""
_HIGHEST_PROCESS = 2**22
"""Linux gives no process a higher number."""
_DYING_SECONDS = 3.0
_LOOKING_SECONDS = 0.3


class Basedir(msgspec.Struct, frozen=True, kw_only=True):
    """A master's directory and the settings chosen when it was created."""

    path: Path
    config_file: str = "master.cfg"
    umask: int | None = None
    log_size: int = 10_000_000
    """Bytes; the log is rotated when it is larger."""
    log_count: int | None = 10
    """How many rotated logs to keep; None: all."""
    log_format: str = "text"
    """``text``, or ``json``: an object per line."""

    @property
    def config_path(self) -> Path:
        """Where the configuration is."""
        return self.path / self.config_file

    @property
    def log_path(self) -> Path:
        """Where the master logs to."""
        return self.path / LOG_FILE

    @property
    def pid_path(self) -> Path:
        """Where the running master's process id is."""
        return self.path / PID_FILE


def open_basedir(path: Path) -> Basedir:
    """Read the settings of a master's directory.

    The settings are the plain assignments in ``buildbot.tac``, as `create-master` (also Buildbot's)
    wrote them; the file is not executed.
    """
    path = path.resolve()
    settings_path = path / SETTINGS_FILE
    if not path.is_dir():
        raise CommandFailed(
            f'"{path}" is not a directory. To create it: chargehand create-master {path}'
        )
    if not settings_path.exists():
        if (path / "master.cfg").exists():
            return Basedir(path=path)
        raise CommandFailed(
            f'"{path}" is not a master\'s directory: it has neither {SETTINGS_FILE} nor '
            f"master.cfg.\nTo create one: chargehand create-master {path}"
        )
    return _from_assignments(path, _assignments(settings_path))


def _from_assignments(path: Path, found: dict[str, object]) -> Basedir:
    umask = found.get("umask")
    log_size = found.get("rotateLength")
    log_count = found.get("maxRotatedFiles", 10)
    return Basedir(
        path=path,
        config_file=str(found.get("configfile", "master.cfg")),
        umask=umask if isinstance(umask, int) else None,
        log_size=int(log_size) if isinstance(log_size, int | str) and log_size else 10_000_000,
        log_count=log_count if isinstance(log_count, int) else None,
        log_format="json" if found.get("logFormat") == "json" else "text",
    )


def _assignments(path: Path) -> dict[str, object]:
    """Return names that the file sets to plain values."""
    try:
        tree = ast.parse(read_regular(path).decode())
    except OSError as error:
        raise CommandFailed(f"cannot read {path}: {error.strerror}") from None
    except SyntaxError as error:
        raise CommandFailed(f"{path}:{error.lineno}: {error.msg}") from None
    except ValueError:
        raise CommandFailed(f"cannot read {path}: It is not text in UTF-8") from None
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            with contextlib.suppress(ValueError):
                found[node.targets[0].id] = ast.literal_eval(node.value)
    return found


class AlreadyRunning(CommandFailed):
    """Another master is running in this directory."""


class PidFile:
    """Records which process runs in a directory; its lock shows whether that process is alive."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def running(self) -> int | None:
        """Return the process id of the master running here, or None."""
        return self._found()[0]

    def left(self) -> str:
        """Return what a file says that names no running master, as words; empty without one."""
        try:
            text = read_regular(self._path)[:_LONGEST].decode("ascii", "replace")
        except FileNotFoundError:
            return ""
        process = _process_id(text)
        if process is None:
            return f"{self._path.name} does not have the number of a process: {text.strip()!r}"
        return (
            f"{self._path.name} names process {process}, "
            "which is not a running master of this directory"
        )

    def is_of_buildbot(self) -> bool:
        """Return whether the master running here is Buildbot's."""
        running, is_locked = self._found()
        return running is not None and not is_locked

    def _found(self) -> tuple[int | None, bool]:
        """Return the running master and whether it holds the lock, as ours do.

        Everything is read from one open file: a master that stops meanwhile unlinks it.
        Raises CommandFailed if the file cannot be read, or another program holds the lock.
        """
        try:
            file = os.fdopen(open_regular(self._path), encoding="ascii", errors="replace")
        except FileNotFoundError:
            return None, False
        except OSError as error:
            raise self._unreadable(error) from None
        with file:
            process = _process_id(file.read(_LONGEST))
            if process is None:
                return None, False
            is_locked = _is_locked(file.fileno(), process)
            if is_locked and (holder := _lock_holder(file.fileno())) not in (None, process):
                raise self._foreign(holder)
        return (process if is_locked or self._is_of_buildbot(process) else None), is_locked

    def _unreadable(self, error: OSError) -> CommandFailed:
        return CommandFailed(
            f"cannot read {self._path}: {error.strerror}. If no master is running in "
            f"{self._path.parent}, remove it."
        )

    def _foreign(self, holder: int) -> CommandFailed:
        return CommandFailed(
            f"Process {holder} ({_command(holder)}) holds a lock on {self._path}, and it is not "
            f"a master of {self._path.parent}. End it, and try again."
        )

    def _is_of_buildbot(self, process: int) -> bool:
        """Buildbot's masters do not lock the file, but their working directory gives them away."""
        try:
            return Path(f"/proc/{process}/cwd").samefile(self._path.parent)
        except OSError:
            return False

    def take(self) -> None:
        """Write our process id. Raises AlreadyRunning. The lock ends with this process."""
        while True:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                require_regular(os.fstat(file).st_mode)
                self._lock(file)
            except BaseException:
                os.close(file)
                raise
            if self._is_ours(file):
                break
            # A master that was just stopping removed the file before we locked it.
            os.close(file)
        self._file = file
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())

    def _lock(self, file: int) -> None:
        deadline = time.monotonic() + _LOOKING_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # A command that checks for a running master holds the lock for a moment.
                if time.monotonic() > deadline:
                    holder = _lock_holder(file, ("READ", "WRITE"))
                    running = self.running()
                    if running is None and holder is not None:
                        raise self._foreign(holder) from None
                    raise AlreadyRunning(
                        f"A master is already running in {self._path.parent} "
                        f"(process {running}). "
                        f"To stop it: chargehand stop {self._path.parent}"
                    ) from None
                time.sleep(0.01)
            else:
                return

    def _is_ours(self, file: int) -> bool:
        try:
            return os.fstat(file).st_ino == self._path.stat().st_ino
        except FileNotFoundError:
            return False

    def give_up(self) -> None:
        """Remove the file."""
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None


def _process_id(text: str) -> int | None:
    """Return the number in a pid file; None for what cannot be one."""
    number = text.strip()
    if not number.isdecimal() or not 0 < int(number) <= _HIGHEST_PROCESS:
        return None
    return int(number)


def _lock_holder(file: int, kinds: Container[str] = ("WRITE",)) -> int | None:
    """Return the process that locked an open file; None where the system does not tell.

    Commands that only look hold a READ lock for a moment, masters a WRITE lock.
    """
    inode = os.fstat(file).st_ino
    try:
        locks = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return None
    for lock in locks:  # such as "3: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF"
        fields = lock.split()
        is_one = fields[1] == "FLOCK" and fields[3] in kinds
        if is_one and fields[5].rpartition(":")[2] == str(inode):
            return int(fields[4]) if int(fields[4]) > 0 else None
    return None


def _command(process: int) -> str:
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "already gone"
    return b" ".join(words[:3]).decode(errors="replace").strip()[:100] or "unknown"


def _is_locked(file: int, process: int) -> bool:
    deadline = time.monotonic() + _DYING_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            # The last threads of a killed process may still hold the lock for a moment.
            if _is_alive(process) or time.monotonic() > deadline:
                return True
            time.sleep(0.01)
        else:
            return False


def _is_alive(process: int) -> bool:
    """Return whether the process is alive and not just being killed."""
    try:
        state = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return not Path("/proc/self/stat").exists()
    return state.rpartition(")")[2].split()[0] not in ("Z", "X")
