"""What a reading of a log reads from."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from chargehand.domain.build import Log, LogType
from chargehand.store.logs import text as log_text
from chargehand.store.logs.records import Extent, ReadAt, extent_of


class Source(msgspec.Struct, frozen=True):
    """What of a log was there when a reading began."""

    log: Log
    extent: Extent
    content: bytes | None

    @property
    def missing(self) -> bytes:
        """What is shown in the place of lines that the row counts and that cannot be found."""
        if self.log.type is LogType.DELETED:
            return log_text.DELETED_TEXT
        lost = self.log.line_count - self.extent.line_count if self.log.complete else 0
        return log_text.missing_text(lost, has_letters=self.has_letters) if lost > 0 else b""

    def lines_in_pieces(self, read_at: ReadAt, first: int, count: int | None) -> Iterator[bytes]:
        """Return *count* lines (None: all) from line *first* on, in pieces of whole lines."""
        yield from log_text.lines_in_pieces(read_at, self.extent, first, count)
        end = self.log.line_count if count is None else first + count
        if end > self.extent.line_count and first < self.log.line_count and self.missing:
            yield self.missing

    @property
    def plain_size(self) -> int:
        """How many bytes the whole text has without letters."""
        size = log_text.plain_size(self.extent, has_letters=self.has_letters)
        return size + len(self.missing) - self.has_letters if self.missing else size

    @property
    def has_letters(self) -> bool:
        """Whether each line begins with the letter of its channel."""
        return self.log.type is LogType.STDIO


def extent_of_content(content: bytes) -> Extent:
    """Return the extent of records that are in a row."""
    return extent_of(lambda offset, count: content[offset : offset + count], len(content))
