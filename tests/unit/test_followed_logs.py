"""Logs in the terminal: colours and progress bars are shown, and nothing else moves the cursor."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from chargehand.cli.plain_text import plain_but_colours
from chargehand.cli.remote.following import Follower
from chargehand.cli.remote.master import RemoteMaster
from chargehand.cli.remote.rows import Log
from chargehand.cli.showing import log_text


class _Master(RemoteMaster):
    def __init__(self, content: str) -> None:
        self._content = content

    async def rows(self, path: str, /, **parameters: Any) -> list[dict[str, object]]:
        return [{"content": self._content}]


async def test_colours_and_progress_bars_are_shown():
    content = "o 10%\r100%\no\x1b[31mred\x1b[0m plain\x1b[2J\x1b]0;title\x07\x1bc\n"
    follower = Follower(_Master(content), Console())
    log = Log(logid=1, name="stdio", slug="stdio", type="s", num_lines=2, complete=True)

    (lines,) = [lines async for lines in follower.lines(log)]
    text = log_text(lines, has_channels=True, indent="")

    assert lines == content.removesuffix("\n").split("\n")
    assert text is not None
    assert text.plain == "100%\nred plain\\x1bc"
    (red,) = [span for span in text.spans if "color(1)" in repr(span.style)]
    assert text.plain[red.start : red.end] == "red"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mx\x1b[m", "\x1b[1;31mx\x1b[m"),
        ("\x1b[2Ka\x1b[10;20Hb\x1b[?25l", "ab"),
        ("\x1b]0;title\x07x\x1b]8;;http://x\x1b\\y", "xy"),
        ("\x1bc\x07\x08", "\\x1bc\\x07\\x08"),
        ("tab\tstays", "tab\tstays"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_only_colours_have_an_effect(text: str, shown: str):
    assert plain_but_colours(text) == shown


@given(st.text(alphabet="\x1b[]()0;mHcB\x07\\\x9b\x00ab\t", max_size=30))
def test_nothing_but_colours_gets_through(text: str):
    left = re.sub(r"\x1b\[[0-9;:]*m", "", plain_but_colours(text))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", left)
