"""Files that the worker sends: piece by piece, as fast as the master takes them."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol, cast

from chargehand_worker.arguments import BadArguments, text
from chargehand_worker.compression import HAS_ZSTD, compressing
from chargehand_worker.copying import copy, open_for_copies
from chargehand_worker.files import in_thread
from chargehand_worker.read_ahead import Give, ReadAhead, pieces_of
from chargehand_worker.trees import copy_tree

if TYPE_CHECKING:
    from typing_extensions import Buffer

_PIECE = 1024 * 1024
"""Bytes; ``blocksize`` of the order does not change it: pieces go as the connection takes them."""
_COPIED = 128 * 1024
"""Bytes of a file that go into an archive at once."""
_Mode = Literal["w", "w:gz", "w:bz2"]
_MODES: dict[str, _Mode] = {"": "w", "gz": "w:gz", "bz2": "w:bz2"}
_ZSTD = "zstd"


class Outlet(Protocol):
    """A command's way to the master."""

    def value(self, key: str, value: object) -> None:
        """Send a value."""

    def has_room(self) -> bool:
        """Whether the master keeps up."""


class Upload:
    """Sends the file ``workersrc`` as values ``content``; after the last, its ``times``.

    With *is_directory*, sends an archive of a directory (tar, compressed as ``compress`` says: gz,
    bz2, or zstd where this worker has it). Of more than ``maxsize`` bytes, ``maxsize`` bytes are
    sent and the command fails.

    A master on the same machine gets nothing sent: it says into which file of its own, which
    exists, everything is to be copied; or into which directory, which is empty.
    """

    def __init__(
        self, outlet: Outlet, base: Path, arguments: dict[str, Any], *, is_directory: bool
    ) -> None:
        workdir = Path(str(arguments.get("workdir") or "")).expanduser()
        self._path = base / workdir / Path(text(arguments, "workersrc")).expanduser()
        self._into = arguments.get("into")
        self._into_directory = arguments.get("intoDirectory")
        self._left = _size(arguments, "maxsize")
        self._outlet = outlet
        self._room = asyncio.Event()
        self._is_interrupted = False
        self._is_directory = is_directory
        self._compression = str(arguments.get("compress") or "")
        known = [*filter(None, _MODES), *([_ZSTD] if HAS_ZSTD else [])]
        if self._compression not in ("", *known):
            raise BadArguments(
                f"argument 'compress' must be {' or '.join(known)}, not {self._compression!r}"
            )

    def room_again(self) -> None:
        """Go on: the master keeps up again, or is not interested any longer."""
        self._room.set()

    def interrupt(self) -> None:
        """Send no more."""
        self._is_interrupted = True
        self._room.set()

    async def run(self) -> None:
        """Send it. Raises OSError."""
        if self._is_directory:
            await self._send_directory()
        else:
            await self._send_file()

    async def _send_directory(self) -> None:
        if not self._path.is_dir():
            code = errno.ENOTDIR if self._path.exists() else errno.ENOENT
            raise OSError(code, os.strerror(code), str(self._path))
        if isinstance(self._into_directory, str):
            target = Path(self._into_directory)
            await in_thread(partial(_copied, self._path, target, self._take))
            return
        pack = partial(_pack_pieces, self._path, self._compression)
        if isinstance(self._into, str):
            await in_thread(partial(self._put_into, self._into, pack))
        else:
            await self._send(pack)

    async def _send_file(self) -> None:
        file, times = (await in_thread(lambda: {"opened": _opened(self._path)}))["opened"]
        try:
            if isinstance(self._into, str):
                await in_thread(partial(self._copy_into, self._into, file))
            else:
                await self._send(pieces_of(file, _PIECE))
        finally:
            file.close()
        self._outlet.value("times", times)

    def _copy_into(self, name: str, file: BinaryIO) -> dict[str, Any]:
        with _opened_for_copies(name) as target:
            copy(file.fileno(), target, self._take)
        return {}

    def _put_into(self, name: str, produce: Callable[[Give], None]) -> dict[str, Any]:
        with _opened_for_copies(name) as target:
            produce(lambda piece: self._put(target, piece))
        return {}

    def _put(self, target: int, piece: bytes) -> None:
        self._take(len(piece))
        left = memoryview(piece)
        while left:
            left = left[os.write(target, left) :]

    def _take(self, size: int) -> None:
        """Take so many bytes of what is allowed. Raises OSError if that is too much."""
        if self._is_interrupted:
            raise InterruptedError(errno.EINTR, "interrupted", str(self._path))
        if self._left is not None:
            if size > self._left:
                raise OSError(errno.EFBIG, "the file is longer than maxsize", str(self._path))
            self._left -= size

    async def _send(self, produce: Callable[[Give], None]) -> None:
        ahead = ReadAhead(produce)
        try:
            while piece := await ahead.next():
                self._say(piece)
                await self._until_room()
        finally:
            await ahead.close()

    def _say(self, piece: bytes) -> None:
        allowed = piece if self._left is None else piece[: self._left]
        if allowed:
            self._outlet.value("content", allowed)
        if len(allowed) < len(piece):
            raise OSError(errno.EFBIG, "the file is longer than maxsize", str(self._path))
        if self._left is not None:
            self._left -= len(allowed)

    async def _until_room(self) -> None:
        while not self._outlet.has_room() and not self._is_interrupted:
            self._room.clear()
            await self._room.wait()
        if self._is_interrupted:
            raise InterruptedError(errno.EINTR, "interrupted", str(self._path))


class _Pieces(RawIOBase):
    """A file whose content is given away in pieces of the same size."""

    def __init__(self, give: Give) -> None:
        self._give = give
        self._waiting = bytearray()
        self._given = 0

    def writable(self) -> bool:
        """Say that it takes content."""
        return True

    def tell(self) -> int:
        """Return how much was written."""
        return self._given + len(self._waiting)

    def write(self, data: Buffer, /) -> int:
        """Take content."""
        view = memoryview(data)
        self._waiting += view
        if len(self._waiting) >= _PIECE:
            self.give_all()
        return view.nbytes

    def give_all(self) -> None:
        """Give away what waits."""
        self._give(bytes(self._waiting))
        self._given += len(self._waiting)
        self._waiting.clear()


@contextmanager
def _opened_for_copies(name: str) -> Iterator[int]:
    target = open_for_copies(name)
    try:
        yield target
    except OSError as error:
        raise OSError(error.errno, error.strerror, error.filename or name) from error
    finally:
        os.close(target)


def _copied(source: Path, target: Path, take: Callable[[int], None]) -> dict[str, Any]:
    copy_tree(source, target, take)
    return {}


def _pack_pieces(path: Path, compression: str, give: Give) -> None:
    """Give an archive of a directory, piece by piece."""
    file = cast("BinaryIO", _Pieces(give))
    if compression == _ZSTD:
        with compressing(file) as compressed:
            _pack(path, compressed, "w")
    else:
        _pack(path, file, _MODES[compression])
    cast("_Pieces", file).give_all()


def _pack(path: Path, file: BinaryIO, mode: _Mode) -> None:
    with tarfile.open(fileobj=file, mode=mode) as archive:
        vars(archive).update(copybufsize=_COPIED)  # What does not know it copies less at once.
        archive.add(path, arcname=".")


def _opened(path: Path) -> tuple[BinaryIO, list[float]]:
    # Not to wait for somebody who writes to a FIFO.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(handle, "rb"), [status.st_atime, status.st_mtime]


def _size(arguments: dict[str, Any], name: str) -> int | None:
    value = arguments.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadArguments(f"argument {name!r} must be a number of bytes, not {value!r}")
    return value
