"""Log files: one for each log that is too long to stay in its row."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import zstandard

from chargehand.domain.identifiers import LogId
from chargehand.store.errors import LogWriteFailed
from chargehand.store.logs.records import Extent, ReadAt, extent_of, records

_SHARDS = 256


class LogFiles:
    """Files below ``logs/`` of the master's directory. All methods block."""

    def __init__(self, *, basedir: Path) -> None:
        self._root = basedir / "logs"

    def path(self, log_id: LogId) -> Path:
        """Return the path of a log."""
        return self._root / f"{log_id % _SHARDS:02x}" / f"{log_id}.log"

    def write(self, log_id: LogId, offset: int, data: bytes) -> None:
        """Write *data* at *offset*, which is where the log ended; 0 replaces the file.

        Of an attempt that fails nothing is left.
        Raises LogWriteFailed.
        """
        path = self.path(log_id)
        try:
            if offset == 0:
                path.parent.mkdir(parents=True, exist_ok=True)
            mode = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if offset == 0 else 0)
            descriptor = os.open(path, mode, 0o640)
            try:
                _write_all(descriptor, offset, data)
            except OSError:
                # Half a record takes room that others may need, and would be taken for damage.
                os.ftruncate(descriptor, offset)
                raise
            finally:
                os.close(descriptor)
        except OSError as error:
            raise LogWriteFailed(
                f"cannot append to {path}: {error.strerror}; the log ends here"
            ) from error

    def extent(self, log_id: LogId) -> Extent:
        """Return how far the file reaches, nothing when there is none."""
        path = self.path(log_id)
        if not path.exists():
            return Extent()
        with OpenedLog(path) as opened:
            return extent_of(opened.read_at, opened.size())

    def repaired(self, log_id: LogId) -> Extent:
        """Truncate a partial record left by a killed master, and return the extent of the rest."""
        path = self.path(log_id)
        if not path.exists():
            return Extent()
        with OpenedLog(path) as opened:
            extent = extent_of(opened.read_at, opened.size())
            extent = _without_bad_end(opened.read_at, extent)
        if path.stat().st_size > extent.length:
            os.truncate(path, extent.length)
        return extent

    def delete(self, log_ids: Iterable[LogId]) -> None:
        """Remove the existing files."""
        for log_id in log_ids:
            self.path(log_id).unlink(missing_ok=True)


class OpenedLog:
    """A log file open for reading, even if it is deleted meanwhile."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)

    def __enter__(self) -> OpenedLog:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def size(self) -> int:
        """Return how long the file is."""
        return os.fstat(self._descriptor).st_size

    def read_at(self, offset: int, count: int) -> bytes:
        """Return so many bytes from *offset*; fewer where the file ends."""
        data = os.pread(self._descriptor, count, offset)
        while 0 < len(data) < count:
            more = os.pread(self._descriptor, count - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data


def _write_all(descriptor: int, offset: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        offset += written
        view = view[written:]


def _without_bad_end(read_at: ReadAt, extent: Extent) -> Extent:
    """Return *extent* without a last record whose frame does not decompress."""
    last = None
    offset, first_line = extent.near(extent.line_count)
    for record in records(read_at, extent.length, offset, first_line):
        last = record
    if last is None:
        return extent
    try:
        frame = read_at(last.frame_offset, last.frame_length)
        zstandard.ZstdDecompressor().decompress(frame, max_output_size=last.size)
    except zstandard.ZstdError:
        return extent_of(read_at, last.offset)
    return extent
