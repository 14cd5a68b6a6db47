"""Commands as stock workers take them over MessagePack: with absolute paths."""

from __future__ import annotations

import ntpath
import posixpath
from collections.abc import Callable, Mapping
from typing import Any

from chargehand.domain.session import CommandRefused
from chargehand.domain.worker import WorkerInfo

_NAMES = {
    "uploadFile": "upload_file",
    "uploadDirectory": "upload_directory",
    "downloadFile": "download_file",
}

Translate = Callable[..., dict[str, Any]]


class Orders:
    """Translates the commands for one worker, whose system says how paths are written."""

    def __init__(self, info: WorkerInfo) -> None:
        self._basedir = info.basedir
        self._home = info.environ.get("HOME") or info.environ.get("USERPROFILE")
        self._join = ntpath.join if info.system in ("nt", "win32") else posixpath.join

    def order(
        self, name: str, arguments: Mapping[str, Any], builddir: str
    ) -> tuple[str, dict[str, Any]]:
        """Return the worker's name of a command, and its arguments. Raises CommandRefused."""

        def path(*keys: str) -> str:
            parts = [arguments.get(key) or "" for key in keys]
            if not isinstance(parts[-1], str) or not parts[-1]:
                raise CommandRefused(f"{name}: argument {keys[-1]!r} must be a path")
            return self.path(builddir, *map(str, parts))

        told = dict(arguments)
        match name:
            case "shell":
                told["workdir"] = self.path(builddir, str(arguments.get("workdir") or ""))
                told["command"] = _without_tuples(told["command"])
            case "mkdir" | "rmdir":
                told["paths"] = self._paths(name, builddir, told.pop("dir", None))
            case "cpdir":
                told["from_path"], told["to_path"] = path("fromdir"), path("todir")
            case "stat":
                told["path"] = path("workdir", "file")
            case "listdir":
                told["path"] = path("dir")
            case "glob" | "rmfile":
                told["path"] = path("path")
            case "uploadFile" | "uploadDirectory":
                told["path"] = path("workdir", "workersrc")
            case "downloadFile":
                told["path"] = path("workdir", "workerdest")
            case _:
                pass
        return _NAMES.get(name, name), told

    def path(self, *parts: str) -> str:
        """Return a path below the worker's directory; an absolute part comes first."""
        expanded = [self._expanded(part) for part in parts]
        return self._join(self._basedir, *expanded)

    def first_part(self, path: str) -> str:
        """Return the first name of a path."""
        if self._join is ntpath.join:
            path = path.replace("\\", "/")
        return path.partition("/")[0]

    def _expanded(self, part: str) -> str:
        if self._home and (part == "~" or part.startswith(("~/", "~\\"))):
            return self._home + part[1:]
        return part

    def _paths(self, name: str, builddir: str, value: Any) -> list[str]:
        values = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(one, str) for one in values):
            raise CommandRefused(f"{name}: argument 'dir' must be a path, or a list of them")
        return [self.path(builddir, one) for one in values]


def _without_tuples(command: Any) -> Any:
    """Return a command as this worker can run it: ("obfuscated", real, shown) arrives as a list,
    which it takes for three words."""
    if not isinstance(command, list):
        return command
    return [element[1] if isinstance(element, tuple) else element for element in command]
