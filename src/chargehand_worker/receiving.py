"""Files that the worker receives with orders: in one piece, or in several."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from chargehand_worker.arguments import BadArguments, text
from chargehand_worker.copying import copy

_Write = Callable[[BinaryIO], None]


def download(base: Path, arguments: dict[str, Any]) -> dict[str, Any]:
    """Write ``content`` to the file ``workerdest``, which is there whole or not at all.

    ``mode`` is that of the new file; without one, it is what the worker's umask leaves. Of a file
    in several pieces each comes with its ``offset``, all but the last with ``more``: the first
    before the others, the last after them. An order with ``abandoned`` removes what has come.
    A master on the same machine sends no ``content``: it says where it is, the ``length`` bytes at
    ``offset`` of the file ``source``. Raises BadArguments and OSError.
    """
    target = _target(base, arguments)
    if arguments.get("abandoned"):
        _part_of(target).unlink(missing_ok=True)
        return {}
    mode = _number(arguments, "mode")
    offset = _number(arguments, "offset") or 0
    write = _writer(arguments, offset)
    target.parent.mkdir(parents=True, exist_ok=True)
    more = bool(arguments.get("more"))
    try:
        if offset or more:
            _write_part(target, write, mode, offset=offset, more=more)
        else:
            _write(target, write, mode)
    except OSError as error:  # Who reads this knows only the file's final name.
        raise OSError(error.errno, error.strerror, str(target)) from error
    return {}


def _write_part(target: Path, write: _Write, mode: int | None, *, offset: int, more: bool) -> None:
    part = _part_of(target)
    if not more and part.stat().st_size != offset:
        raise OSError(errno.EIO, "pieces of the file are missing", str(part))
    _add(part, offset, write)
    if not more:
        _place(part, target, mode)


def _target(base: Path, arguments: dict[str, Any]) -> Path:
    workdir = Path(str(arguments.get("workdir") or "")).expanduser()
    target = base / workdir / Path(text(arguments, "workerdest")).expanduser()
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    return Path(os.path.realpath(target))


def _part_of(target: Path) -> Path:
    """Return where the pieces of a file are put together: the next attempt writes over it."""
    return target.with_name(f".download-{hashlib.sha256(target.name.encode()).hexdigest()[:16]}")


def _writer(arguments: dict[str, Any], offset: int) -> _Write:
    """Return what writes the content, or this part of it, to a file."""
    source = arguments.get("source")
    if isinstance(source, str):
        length = _number(arguments, "length")
        return lambda file: _copy(source, offset, length, file)
    content = arguments.get("content")
    if not isinstance(content, bytes):
        raise BadArguments("argument 'content' must be bytes")
    return lambda file: _put(content, file)


def _put(content: bytes, file: BinaryIO) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def _copy(source: str, offset: int, length: int | None, file: BinaryIO) -> None:
    with Path(source).open("rb", buffering=0) as from_:
        from_.seek(offset)
        copy(from_.fileno(), file.fileno(), lambda _size: None, length)


def _add(part: Path, offset: int, write: _Write) -> None:
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(part, flags if offset else flags | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb", buffering=0) as file:
        file.seek(offset)
        write(file)


def _write(target: Path, write: _Write, mode: int | None) -> None:
    handle, name = tempfile.mkstemp(prefix=".download-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            write(file)
        _place(Path(name), target, mode)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _place(part: Path, target: Path, mode: int | None) -> None:
    part.chmod(_usual_mode(part) if mode is None else mode)
    part.replace(target)


def _number(arguments: dict[str, Any], name: str) -> int | None:
    value = arguments.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise BadArguments(f"argument {name!r} must be an integer, not {value!r}")
    return value


def _usual_mode(part: Path) -> int:
    """Return the mode that a new file beside *part* gets: what the umask leaves.

    It could be asked only by changing it, for all threads.
    """
    probe = part.with_name(f"{part.name}.mode")
    handle = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        return stat.S_IMODE(os.fstat(handle).st_mode)
    finally:
        os.close(handle)
        probe.unlink()
