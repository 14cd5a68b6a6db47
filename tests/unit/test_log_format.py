"""master.log: one line, or one JSON object, per message, whatever is in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from chargehand.cli.basedir import Basedir, open_basedir
from chargehand.cli.log_output import log_to
from chargehand.kit.redaction import Redaction


@pytest.fixture
def own_handlers() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, told = list(root.handlers), root.level, logging.raiseExceptions
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = told


@pytest.mark.usefixtures("own_handlers")
def test_each_message_is_an_object_on_one_line_without_secrets(tmp_path: Path) -> None:
    redaction = Redaction()
    redaction.hide("hunter2", "<password>")
    log_to(
        Basedir(path=tmp_path, log_format="json"),
        terminal=False,
        verbose=False,
        redaction=redaction,
    )
    log = logging.getLogger("chargehand.farm")

    log.info("build %d\nsays hunter2", 3, extra={"ids": {"buildid": 3}})
    try:
        raise ValueError("hunter2")
    except ValueError:
        log.exception("it failed")

    first, second = map(json.loads, (tmp_path / "master.log").read_text().splitlines())
    assert first.pop("time")[10] == "T"
    assert first == {
        "level": "info",
        "logger": "chargehand.farm",
        "event": "build 3\nsays <password>",
        "buildid": 3,
    }
    assert (second["level"], second["event"]) == ("error", "it failed")
    assert "ValueError: <password>" in second["traceback"]


@pytest.mark.usefixtures("own_handlers")
def test_as_text_each_message_has_its_local_time_and_above_info_its_level(tmp_path: Path) -> None:
    redaction = Redaction()
    redaction.hide("hunter2", "<password>")
    log_to(Basedir(path=tmp_path), terminal=False, redaction=redaction)
    moment = datetime(2026, 3, 4, 5, 6, 7, 89_500).astimezone()

    for level, words in (logging.INFO, "a hunter2"), (logging.ERROR, "b"):
        what = {"name": "farm", "msg": words, "levelno": level, "created": moment.timestamp()}
        what |= {"levelname": logging.getLevelName(level), "msecs": 89.5}
        logging.getLogger().handle(logging.makeLogRecord(what))
    try:
        raise ValueError("hunter2")
    except ValueError:
        logging.getLogger("farm").warning("it failed", exc_info=True)

    first, second, third, *traceback = (tmp_path / "master.log").read_text().splitlines()
    assert first == "2026-03-04 05:06:07.089 [farm] a <password>"
    assert second == "2026-03-04 05:06:07.089 [farm] ERROR: b"
    assert third.endswith("[farm] WARNING: it failed")
    assert traceback[0] == "Traceback (most recent call last):"
    assert traceback[-1] == "ValueError: <password>"


def test_the_format_is_kept_in_the_directory_s_settings(tmp_path: Path) -> None:
    (tmp_path / "buildbot.tac").write_text("logFormat = 'json'\n")

    assert open_basedir(tmp_path).log_format == "json"


@pytest.mark.usefixtures("own_handlers")
def test_texts_of_others_cannot_pass_for_lines_of_the_log(tmp_path: Path) -> None:
    redaction = Redaction()
    redaction.hide("one\ntwo", "<key>")
    log_to(Basedir(path=tmp_path), terminal=False, redaction=redaction)
    forged = "me\n2026-11-27 00:00:00.000 [chargehand.farm] forged \x1b[2J\x9b café one\ntwo"

    logging.getLogger("chargehand.farm").info("change 1 by %s", forged)
    logging.getLogger("chargehand.web").warning("%s\nand more", forged)

    first, *others = (tmp_path / "master.log").read_text().splitlines()
    shown = r"2026-11-27 00:00:00.000 [chargehand.farm] forged \x1b[2J\x9b café <key>"
    assert first.endswith(f"[chargehand.farm] change 1 by me {shown}")
    assert others[0].endswith("[chargehand.web] WARNING: me")
    assert others[1:] == [f"  {shown}", "and more"]
