"""A master's directory: which files it has, and what they are for."""

from __future__ import annotations

import ast
import contextlib
import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

from chargehand.app.failure import CommandFailed

SETTINGS_FILE = "buildbot.tac"
LOG_FILE = "master.log"
LOG_LINK = "twistd.log"
PID_FILE = "twistd.pid"
_DYING_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Basedir:
    """A master's directory and the settings that were chosen when it was created."""

    path: Path
    config_file: str = "master.cfg"
    umask: int | None = None
    log_size: int = 10_000_000
    """Bytes; the log is rotated when it is larger."""
    log_count: int | None = 10
    """How many rotated logs are kept; None: all."""

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
            f"{path} is not a directory. Create it with: chargehand create-master {path}"
        )
    if not settings_path.exists():
        if (path / "master.cfg").exists():
            return Basedir(path=path)
        raise CommandFailed(
            f"{path} is not a master's directory: it has neither {SETTINGS_FILE} nor master.cfg.\n"
            f"Create one with: chargehand create-master {path}"
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
    )


def _assignments(path: Path) -> dict[str, object]:
    """Return names that the file sets to plain values."""
    try:
        tree = ast.parse(path.read_text())
    except SyntaxError as error:
        raise CommandFailed(f"{path}:{error.lineno}: {error.msg}") from None
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            with contextlib.suppress(ValueError):
                found[node.targets[0].id] = ast.literal_eval(node.value)
    return found


class AlreadyRunning(CommandFailed):
    """Another master runs in this directory."""


class PidFile:
    """Says which process runs in a directory; a lock on it tells a running one from a dead one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def running(self) -> int | None:
        """Return the process id of the master that runs here, None when none does."""
        try:
            text = self._path.read_text().strip()
        except FileNotFoundError:
            return None
        if not text.isdigit() or not (self._is_locked() or self._is_of_buildbot(text)):
            return None
        return int(text)

    def is_of_buildbot(self) -> bool:
        """Return whether the master that runs here is Buildbot's."""
        return self.running() is not None and not self._is_locked()

    def _is_of_buildbot(self, process: str) -> bool:
        """Buildbot's masters take no lock, but they work in their directory."""
        try:
            return Path(f"/proc/{process}/cwd").samefile(self._path.parent)
        except OSError:
            return False

    def _is_locked(self) -> bool:
        with self._path.open() as file:
            deadline = time.monotonic() + _DYING_SECONDS
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    # The last threads of a killed process may hold the lock for a moment yet.
                    if self._is_alive() or time.monotonic() > deadline:
                        return True
                    time.sleep(0.01)
                else:
                    return False

    def _is_alive(self) -> bool:
        """Whether the process that the file names lives, and is not just being killed."""
        try:
            state = Path(f"/proc/{self._path.read_text().strip()}/stat").read_text()
        except OSError:
            return not Path("/proc/self/stat").exists()
        return state.rpartition(")")[2].split()[0] not in ("Z", "X")

    def take(self) -> None:
        """Write our process id. Raises AlreadyRunning. The lock ends with this process."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise AlreadyRunning(
                f"A master runs in {self._path.parent} already (process {self.running()}). "
                f"Stop it with: chargehand stop {self._path.parent}"
            ) from None
        if not self._is_ours(file):
            # Whoever stopped just then removed the file between our opening and our locking it.
            os.close(file)
            self.take()
            return
        self._file = file
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())

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
