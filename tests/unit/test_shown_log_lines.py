"""Logs, steps and builds in the terminal: many lines are printed at once, as each is alone."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from chargehand.cli.showing import build_begins, build_ended, log_text, step_ended
from chargehand.domain.result import Result

_LINES = st.lists(
    st.text(alphabet=st.sampled_from("oeh ab\r\x1b[31m0;7é…"), max_size=12), max_size=8
)


def _printed(*texts: object) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, width=20, color_system="standard")
    for text in texts:
        if text is not None:
            console.print(text, soft_wrap=True, highlight=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@given(lines=_LINES, has_channels=st.booleans(), details=st.booleans())
def test_many_lines_look_as_each_does_alone(lines: list[str], has_channels: bool, details: bool):
    together = log_text(lines, has_channels=has_channels, details=details)
    alone = [log_text([line], has_channels=has_channels, details=details) for line in lines]
    assert _printed(together) == _printed(*alone)


def test_headers_are_grey_and_progress_bars_show_their_last_state():
    text = log_text(["hmake all", "o 10%\r100%", "o\x1b[31mred\x1b[0m"], has_channels=True)
    assert text is not None
    assert text.plain == "    make all\n    100%\n    red"
    assert "\x1b[90m    make all\x1b[0m" in _printed(text)
    assert "\x1b[31mred" in _printed(text)


def test_details_are_left_out_unless_asked_for():
    lines = ["h in dir /build", "oout", "hprogram finished with exit code 0"]
    assert str(log_text(lines, has_channels=True, details=False)) == "    out"
    assert log_text(lines[:1], has_channels=True, details=False) is None
    assert str(log_text(lines[:1], has_channels=False, details=False)) == "    h in dir /build"


def test_names_with_line_breaks_stay_in_their_line():
    failed = Result.FAILURE
    assert step_ended("a\nb", failed, "uploading c\nd", 1).plain.startswith(
        "  ✗ a\\nb  uploading c\\nd  "
    )
    assert build_ended("a\nb #1", failed, "failed c\nd", 1).plain.startswith(
        "✗ a\\nb #1: failed c\\nd  "
    )
    assert build_begins("a\nb #1").plain == "▶ a\\nb #1"
