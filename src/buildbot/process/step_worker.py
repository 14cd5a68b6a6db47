"""What a step can ask of its worker."""

from __future__ import annotations

from typing import Any

from buildbot.interfaces import WorkerSetupError


class _Connection:
    """``step.remote``, unless a subclass has something of its own under that name."""

    def __get__(self, step: StepWorker | None, kind: type) -> Any:
        worker = None if step is None else getattr(step, "worker", None)
        return None if worker is None else worker.conn


class StepWorker:
    """The worker of a step: which commands it has, and its name."""

    build: Any
    worker: Any
    remote: Any = _Connection()
    """The connection to the worker, for `RemoteCommand.run`."""

    def workerVersion(self, command: str, oldversion: str | None = None) -> str | None:
        """Return the version of a command on the worker, None if it is not there.

        A worker that does not say which commands it has counts as having *oldversion*.
        """
        version: str | None = self.worker._command_version(command, oldversion)
        return version

    def workerVersionIsOlderThan(self, command: str, minversion: str) -> bool:
        """Return whether the worker has no such command, or an older one."""
        version = self.workerVersion(command)
        return version is None or _version(version) < _version(minversion)

    def checkWorkerHasCommand(self, command: str) -> None:
        """Raise WorkerSetupError if the worker has no such command."""
        if not self.workerVersion(command):
            message = f"worker is too old, does not know about {command}"
            raise WorkerSetupError(message)

    def _is_on_same_machine(self) -> bool:
        """Return whether the worker can read and write the master's files."""
        return self.workerVersion("sameMachine") is not None

    def _can_copy_directories(self) -> bool:
        """Return whether the worker can write directories of the master, too."""
        return self._is_on_same_machine() and self.workerVersion("copiesDirectories") is not None

    def _compression(self, wanted: str | None) -> str | None:
        """Return how the worker can compress a directory that should be compressed like this."""
        if wanted == "zstd" and self.workerVersion("zstdDirectories") is None:
            return "gz"
        return wanted

    def getWorkerName(self) -> str | None:
        """Return the worker's name."""
        return self.build.getWorkerName() if self.build is not None else None


def _version(text: str) -> list[int]:
    return [int(part) if part.isdigit() else 0 for part in text.split(".")]
