"""What is damaged of the text of logs: records in rows and files, and files of no log."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import zstandard
from sqlalchemy import Connection, func, select, true

from chargehand.domain.build import LogType
from chargehand.domain.identifiers import LogId
from chargehand.store.damage import Damage
from chargehand.store.engine.tables import builds, logs, masters, steps
from chargehand.store.logs.files import LogFiles, OpenedLog
from chargehand.store.logs.records import ReadAt, records

_COMPLETE = (
    select(logs.c.id, logs.c.line_count, logs.c.content, masters.c.name)
    .select_from(
        logs.outerjoin(steps, steps.c.id == logs.c.step_id)
        .outerjoin(builds, builds.c.id == steps.c.build_id)
        .outerjoin(masters, masters.c.id == builds.c.master_id)
    )
    .where(logs.c.complete == true(), logs.c.type != LogType.DELETED.value)
    .order_by(logs.c.id)
    .execution_options(yield_per=100)
)
_RESTORE = "none; restore it from a backup"


def damaged_logs(connection: Connection, basedir: Path) -> Iterator[Damage]:
    """Find damage of complete logs, as far as their files are those of the master in *basedir*."""
    files = LogFiles(basedir=basedir)
    is_shared = connection.execute(select(func.count()).select_from(masters)).scalar_one() > 1
    own = f"{socket.gethostname()}:{basedir.resolve()}"
    for log_id, line_count, content, master in connection.execute(_COMPLETE):
        if content is None and is_shared and master != own:
            continue  # Its file is in another master's directory.
        what = _damage_of(files.path(log_id), line_count, content)
        if what is not None:
            yield Damage(
                table="logs",
                key=(("id", log_id),),
                column="file" if content is None else "content",
                what=what,
                remedy=_RESTORE,
                is_lasting=True,
            )


def unknown_files(connection: Connection, basedir: Path) -> Iterator[Damage]:
    """Find the log files of which the database has no log."""
    files = LogFiles(basedir=basedir)
    for path in sorted((basedir / "logs").glob("*/*.log")):
        number = int(path.stem) if path.stem.isascii() and path.stem.isdigit() else -1
        is_known = select(logs.c.id).where(logs.c.id == number)
        if path == files.path(LogId(number)) and connection.execute(is_known).first() is None:
            yield Damage(
                table="logs",
                key=(("id", number),),
                column="file",
                what=f"{path.relative_to(basedir)} belongs to no log",
                remedy="delete the file",
                file=path,
            )


def _damage_of(path: Path, line_count: int, content: bytes | None) -> str | None:
    if content is not None:
        lost = line_count - _readable(_reading(content), len(content))
        return f"is damaged: {lost} of {line_count} lines cannot be read" if lost > 0 else None
    if not path.exists():
        return f"{path.name} is missing: {line_count} lines" if line_count else None
    with OpenedLog(path) as opened:
        lost = line_count - _readable(opened.read_at, opened.size())
    where = f"{path.name} is damaged"
    return f"{where}: {lost} of {line_count} lines cannot be read" if lost > 0 else None


def _reading(content: bytes) -> ReadAt:
    return lambda offset, count: content[offset : offset + count]


def _readable(read_at: ReadAt, end: int) -> int:
    """Return how many lines can be read."""
    count = 0
    decompressor = zstandard.ZstdDecompressor()
    for record in records(read_at, end):
        try:
            frame = read_at(record.frame_offset, record.frame_length)
            text = decompressor.decompress(frame, max_output_size=record.size)
        except zstandard.ZstdError:
            continue
        count += record.line_count if len(text) == record.size else 0
    return count
