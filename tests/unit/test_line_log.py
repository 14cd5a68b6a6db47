"""Lines of which there are many are written as `logging` would write them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from chargehand.kit.line_log import LineLog


@contextmanager
def _records(name: str, level: int = logging.INFO) -> Iterator[list[logging.LogRecord]]:
    logger = logging.getLogger(name)
    found: list[logging.LogRecord] = []

    class _Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record)

    handler, before = _Kept(), logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield found
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def test_a_line_is_like_a_record_of_logging() -> None:
    with _records("test.lines") as found:
        LineLog("test.lines").info("build %d of %s", 3, "tests", ids={"buildid": 3})
        logging.getLogger("test.lines").info("build %d of %s", 3, "tests", extra={"ids": {}})

    ours, theirs = found
    assert ours.getMessage() == theirs.getMessage() == "build 3 of tests"
    assert vars(ours).keys() == vars(theirs).keys()
    assert (ours.name, ours.levelname, ours.process) == ("test.lines", "INFO", os.getpid())
    assert abs(ours.created - theirs.created) < 60
    assert 0 <= ours.msecs < 1000
    assert abs(theirs.relativeCreated - ours.relativeCreated) < 60_000
    assert ours.__dict__["ids"] == {"buildid": 3}


def test_lines_are_made_anew() -> None:
    log = LineLog("test.lines")

    with _records("test.lines") as found:
        log.info("one %s", "word", ids={"buildid": 1})
        log.info("no words")

    assert [record.getMessage() for record in found] == ["one word", "no words"]
    assert [record.__dict__["ids"] for record in found] == [{"buildid": 1}, {}]


def test_a_logger_that_shows_warnings_only_gets_no_lines() -> None:
    with _records("test.lines", logging.WARNING) as found:
        LineLog("test.lines").info("build")

    assert found == []


def test_a_factory_of_records_is_asked() -> None:
    class _Record(logging.LogRecord):
        """A record of somebody's."""

    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(_Record)
    try:
        with _records("test.lines") as found:
            LineLog("test.lines").info("build %d", 3, ids={"buildid": 3})
    finally:
        logging.setLogRecordFactory(before)

    assert [type(record) for record in found] == [_Record]
    assert found[0].__dict__["ids"] == {"buildid": 3}
