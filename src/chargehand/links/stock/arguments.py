"""The arguments of commands, as stock workers take them."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from typing import Any

from chargehand.domain.session import CommandRefused

_SHELL = (
    "workdir",
    "env",
    "want_stdout",
    "want_stderr",
    "logfiles",
    "timeout",
    "maxTime",
    "max_lines",
    "sigtermTime",
    "usePTY",
    "logEnviron",
    "initial_stdin",
    "command",
    "interruptSignal",
)
_SHELL_DEFAULTS: dict[str, Any] = {
    "workdir": "",
    "env": None,
    "want_stdout": True,
    "want_stderr": True,
    "logfiles": {},
    "timeout": None,
    "maxTime": None,
    "max_lines": None,
    "sigtermTime": None,
    "usePTY": False,
    "logEnviron": True,
    "initial_stdin": None,
    "interruptSignal": "KILL",
}
_BLOCK = 512 * 1024
"""Bytes of one piece of a file; Twisted takes texts of 640 KiB."""
_OURS = ("encoding", "redactions")
"""Arguments that only our own workers know."""


def stock_arguments(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments for a stock worker. Raises CommandRefused."""
    match name:
        case "shell":
            return _shell(arguments)
        case "uploadFile" | "uploadDirectory":
            return _upload(name, arguments)
        case "stat":
            return _stat(arguments)
        case _:
            return {key: value for key, value in arguments.items() if key not in _OURS}


def download_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with which a stock worker receives a file."""
    return {
        "workdir": arguments.get("workdir") or "",
        "workerdest": arguments.get("workerdest"),
        "slavedest": arguments.get("workerdest"),
        "maxsize": None,
        "blocksize": _BLOCK,
        "mode": arguments.get("mode"),
    }


def _shell(arguments: Mapping[str, Any]) -> dict[str, Any]:
    told = {**_SHELL_DEFAULTS, **{k: v for k, v in arguments.items() if k in _SHELL}}
    if "command" not in told:
        raise CommandRefused("shell: the command is missing")
    told["command"] = _command(told["command"])
    told["usePTY"] = bool(told["usePTY"])
    told["interruptSignal"] = str(told["interruptSignal"] or "KILL").removeprefix("SIG")
    if isinstance(stdin := told["initial_stdin"], bytes):
        told["initial_stdin"] = stdin.decode("utf-8", "surrogateescape")
    if told["env"] is not None:
        told["env"] = {key: _variable(value) for key, value in told["env"].items()}
    told["dir"] = told["workdir"]  # what workers of Buildbot 0.8 look for
    return told


def _command(command: Any) -> Any:
    if isinstance(command, str | bytes):
        return _text(command)
    return [_element(element) for element in command]


def _element(element: Any) -> Any:
    if not isinstance(element, list | tuple):
        return _text(element)
    if len(element) != 3 or element[0] != "obfuscated":
        raise CommandRefused(
            f'shell: {element!r} in the command must be text, or ("obfuscated", real, shown)'
        )
    return tuple(map(_text, element))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _variable(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_text(one) for one in value]
    return value


def _stat(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Workers of Buildbot 0.8.12 know no ``workdir`` here."""
    told = {key: value for key, value in arguments.items() if key not in (*_OURS, "workdir")}
    path = posixpath.join(str(arguments.get("workdir") or ""), str(arguments.get("file")))
    return {**told, "file": path}


def _upload(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    source = arguments.get("workersrc")
    told = {
        "workdir": arguments.get("workdir") or "",
        "workersrc": source,
        "slavesrc": source,
        "maxsize": arguments.get("maxsize"),
        "blocksize": _BLOCK,
    }
    if name == "uploadDirectory":
        return {**told, "compress": arguments.get("compress") or None}
    return {**told, "keepstamp": True}
