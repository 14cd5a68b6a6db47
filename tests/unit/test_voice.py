"""Texts for people are in plain, current English: turns that were once used do not come back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

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
_PHRASES = re.compile(
    r"""
    \b(?:
      seldom | mend(?:s|ed|ing)? | shall | besides | meanwhile | likewise | upon | for\ ever
    | henceforth | thereby | wherein | thereof | lest | whence
    | of\ (?:yours|ours|theirs) | of\ (?:your|their)\ own
    | hears?\ of | knows?\ of\ no | tells?\ of | says?\ so | go(?:es)?\ on | went\ on
    | (?:is|are|was|were)\ not\ to\ be | that\ (?:is|are)\ to | what\ is\ to
    | (?<!there\ )(?:is|are)\ no
      \ (?:error|part|text|message|dictionary|worker|renderable|pair|master)
    | (?:what|that)\ is\ (?:said|told) | (?:is|are)\ asked\ again
    | but\ for | any\ more | once\ more | today(?:'s)?
    | there\ (?:is|are)\ none | in\ good\ order | does\ as\ well
    | (?:is|are)\ as\ good\ as\ nothing | holds?\ up\ (?:nothing|no\ other) | all\ the\ same
    | thing\ that\ is\ not\ there | makes?\ of\ it | becomes\ of | takes\ note\ of
    | (?:that|who)\ looks?\ after | somebody\ (?:has|gave|else) | as\ the\ test\ says
    | a\ function\ said\ no | in\ the\ order\ of\ asking | cost(?:s)?\ next\ to\ nothing
    | is\ what\ others\ read | how\ far\ it\ is
    | so\ long\ as | that\ is\ to\ say | of\ its\ own\ accord | at\ the\ latest | by\ and\ by
    | the\ like | in\ vain | for\ the\ moment | in\ silence | comes?\ to\ its\ end
    | said\ no | tak(?:es?|en)\ note\ of | has\ no\ say | what\ was\ tried | what\ helps
    | touch(?:es)?\ no\ others? | runs\ already | already\ runs | none\ between\ them
    | whatever\ (?:kills|has|they) | (?:made|speaks?)\ no | configured\ otherwise
    | ended\ (?:so|otherwise|at\ all) | they\ alone | is\ worth
    )\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Translated or archaic turns, which plain words replace in documentation and messages."""
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


def _documents() -> Iterator[tuple[str, str]]:
    found = [*_ROOT.glob("*.md")]
    for folder in ("docs", "examples"):
        found += (_ROOT / folder).rglob("*.md")
    for path in sorted(found):
        if "decisions" not in path.parts:
            text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
            yield str(path.relative_to(_ROOT)), _joined(text)


def _messages() -> Iterator[tuple[str, str]]:
    """Return the strings of more than a word in our code that people see while it runs."""
    for path in sorted((_ROOT / "src").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        documentation -= {id(text) for text in _shown_by_help(tree)}
        for node in ast.walk(tree):
            match node:
                case ast.Constant(value=str(text)) if " " in text and id(node) not in documentation:
                    yield f"{path.relative_to(_ROOT)}:{node.lineno}", _joined(text)


def _shown_by_help(tree: ast.Module) -> Iterator[ast.expr]:
    for node in tree.body:
        match node:
            case ast.FunctionDef(body=[ast.Expr(value=text), *_], decorator_list=decorators):
                if any("command(" in ast.unparse(one) for one in decorators):
                    yield text


@pytest.mark.parametrize("texts", [_documents, _messages])
def test_documentation_and_messages_are_in_plain_current_english(texts):
    found = [f"{place}: {turn[0]}" for place, text in texts() for turn in _PHRASES.finditer(text)]

    assert found == []


def test_the_turns_are_found():
    turns = ("one of ours goes on", "It is no error", "what is told", "as it says so")
    for turn in (*turns, "make, cmake and the like", "the worker runs already", "it made no JSON"):
        assert _PHRASES.search(turn)
    assert not _PHRASES.search("there is no error on the page, and the build continues")
