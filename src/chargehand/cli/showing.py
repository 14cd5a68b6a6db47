"""How builds, steps and lines of logs look in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec
from rich.text import Text

from chargehand.cli.plain_text import plain_but_colours, plain_line
from chargehand.cli.remote.rows import Eta
from chargehand.domain.result import Result
from chargehand.kit.durations import duration, rough

COLOURS = {
    Result.SUCCESS: "green",
    Result.WARNINGS: "yellow",
    Result.FAILURE: "red",
    Result.SKIPPED: "blue",
    Result.EXCEPTION: "magenta",
    Result.RETRY: "cyan",
    Result.CANCELLED: "bright_black",
}
SIGNS = {
    Result.SUCCESS: "✓",
    Result.WARNINGS: "!",
    Result.FAILURE: "✗",
    Result.SKIPPED: "-",
    Result.EXCEPTION: "‼",
    Result.RETRY: "↻",
    Result.CANCELLED: "■",
}
_LATE = "taking longer than usual"
_LINE_STYLES = {"h": "bright_black"}  # much that is well is written to stderr


def build_begins(title: str) -> Text:
    """Return the line that says that a build starts."""
    return Text(plain_line(f"▶ {title}"), style="bold")


def step_ended(name: str, result: Result, state: str, took: float) -> Text:
    """Return the line that says how a step ended."""
    line = Text("  ")
    line.append(plain_line(f"{SIGNS[result]} {name}"), style=COLOURS[result])
    line.append(plain_line(f"  {state}"), style="bright_black")
    line.append(f"  {duration(took)}", style="bright_black")
    return line


def build_ended(title: str, result: Result, state: str, took: float) -> Text:
    """Return the line that says how a build ended."""
    state = plain_line(state)
    line = Text(plain_line(f"{SIGNS[result]} {title}: "), style="bold")
    word, details = result.word, f"  {state}" if state else ""
    if result.described(state) == state:  # It says the result itself.
        word, space, rest = state.partition(" ")
        details = space + rest
    line.append(word, style=f"bold {COLOURS[result]}")
    line.append(f"{details}  {duration(took)}", style="bright_black")
    return line


def prospect(doing: str, etas: Sequence[Eta]) -> str:
    """Return what a build does, with the time that it and its step are expected to need.

    A build without earlier ones to compare it with has none.
    """
    expected = expectations(etas)
    build = "" if expected.build == expected.step == _LATE else expected.build
    return ", ".join(filter(None, (doing, expected.step, build and f"build: {build}")))


class Expectations(msgspec.Struct, frozen=True, kw_only=True):
    """How long a build and its step are expected to take, in words; empty if unknown."""

    build: str = ""
    step: str = ""


def expectations(etas: Sequence[Eta]) -> Expectations:
    """Return these in words."""
    return Expectations(
        build=next((_left(eta) for eta in etas if eta.stepid is None), ""),
        step=next((_left(eta) for eta in etas if eta.stepid is not None), ""),
    )


def _left(eta: Eta) -> str:
    if eta.seconds_left <= 0:
        return _LATE
    return f"about {rough(max(1, round(eta.seconds_left)))} left"


def is_detail(line: str) -> bool:
    """Whether a header line is a detail, hidden by default."""
    return line.startswith(("h ", "helapsedTime=")) or line == "hprogram finished with exit code 0"


def log_text(
    lines: Iterable[str], *, has_channels: bool, details: bool = True, indent: str = "    "
) -> Text | None:
    """Return lines of a log with their colours, to be printed at once; None: there are none.

    Of a progress bar they have the last state. Without *details* headers that are details are
    left out.
    """
    found: list[Text] = []
    styles = _LINE_STYLES if has_channels else {}
    lines = (line for line in lines if details or not (has_channels and is_detail(line)))
    for style, group in groupby(lines, key=lambda line: styles.get(line[:1], "")):
        texts = [line[1:] if has_channels else line for line in group]
        texts = [plain_but_colours(text.rstrip("\r").rpartition("\r")[2]) for text in texts]
        if any("\x1b" in text for text in texts):
            shown = [Text.assemble(indent, Text.from_ansi(text, style=style)) for text in texts]
            found.extend(shown)
        else:  # As most are: one text for many lines is printed much faster than many texts.
            found.append(Text("\n".join(indent + text for text in texts), style=style))
    return Text("\n").join(found) if found else None
