"""Texts for people are in plain, current English: turns that were once used do not come back."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).parents[2]
_TURNS = (
    "is in no running configuration",
    "stands in its way",
    "was asked to stop",
    "does not answer any more",
    "were cut off when",
    "builds that run go back",
    "did not say that it runs",
    "could not be collapsed; they wait on",
    "it tries again",
    "is tried again",
    "tries again by itself",
    "work goes on then",
    "several are possible",
    " is no port",
    " is no valid ",
    "you may not pause",
    "you may not stop",
    "log says what it was",
    "all its workers are busy:",
    "cancelled (no reason)",
    "exception finished",
    "A build was forced by ''",
    "update (failure)",
    "needs to be told",
    "was made. (",
    "Config file is good! 1 builders",
    "Invalid argument(s) passed to",
    "was removed from Buildbot: the key is",
    "is required (for name=",
    "is no valid time table",
    "shows what it knew last",
    "Results are told",
    "brings waiting requests and free workers",
    " anew",
    " does no harm",
    " is not there yet",
    " to be told",
    "hoever ",
    "LeftOvers",
    "_as_usual",
    "_ask_for_a_sign",
)
_PIECES = ('" "', '" f"', "' '", "' f'")
"""Where texts go on in the next line of the source."""


def _texts() -> list[Path]:
    found = [*_ROOT.glob("*.md"), *(_ROOT / "changelog.d").glob("*.md")]
    for folder in ("src", "docs", "examples"):
        below = (_ROOT / folder).rglob("*")
        found += [path for path in below if path.suffix in {".py", ".html", ".js", ".md", ".cfg"}]
    return found


def _joined(text: str) -> str:
    text = " ".join(text.split())
    for pieces in _PIECES:
        text = text.replace(pieces, "")
    return text


def test_turns_that_were_given_up_do_not_come_back():
    used = {}
    for path in _texts():
        text = _joined(path.read_text(encoding="utf-8"))
        if found := [turn for turn in _TURNS if turn in text]:
            used[str(path.relative_to(_ROOT))] = found

    assert used == {}
