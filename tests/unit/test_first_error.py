"""The first error of logs, as real tools write them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chargehand.domain.build import Channel
from chargehand.logs.error_rules import DEFAULT_ERROR_RULES, ErrorRule, Grade
from chargehand.logs.first_error import LAST_LINE, FirstError, FirstErrorSearch
from chargehand.logs.segments import pieces_of, with_letter

_DATA = Path(__file__).parent / "data" / "first_errors"
_MARK = re.compile(rb"(?m)^>>> \[(.*?)\] ")
_LOGS = sorted(path.stem for path in _DATA.glob("*.txt") if path.stem != "harmless")


def _found(
    text: bytes,
    *,
    rules: tuple[ErrorRule, ...] = DEFAULT_ERROR_RULES,
    has_letters: bool = False,
    size: int = 256 * 1024,
) -> FirstError | None:
    search = FirstErrorSearch(rules, has_letters=has_letters)
    line = 0
    for piece in pieces_of(text, size):
        if not search.take(line, piece):
            break
        line += piece.count(b"\n")
    return search.found


@pytest.mark.parametrize("size", [1, 100, 100_000])
@pytest.mark.parametrize("name", _LOGS)
def test_the_first_error_is_found_in_what_tools_write(name: str, size: int):
    marked = (_DATA / f"{name}.txt").read_bytes()
    [mark] = _MARK.finditer(marked)
    text = _MARK.sub(b"", marked)

    found = _found(with_letter(Channel.STDOUT, text), has_letters=True, size=size)

    assert found is not None
    assert (found.line, found.rule) == (marked.count(b"\n", 0, mark.start()), mark[1].decode())
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", found.text)


@pytest.mark.parametrize("line", (_DATA / "harmless.txt").read_bytes().splitlines())
def test_a_line_of_a_build_that_goes_well_is_no_error(line: bytes):
    found = _found(line + b"\n")

    assert found is not None
    assert found.rule == LAST_LINE


def test_what_the_worker_writes_about_the_command_is_no_error():
    text = b"hmake error: FAILED\nh environment:\nh  CFLAGS=-Werror error: x\nofine\nh\n"

    assert _found(text, has_letters=True) == FirstError(3, "fine", LAST_LINE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            b"hmake\noworking\nhcommand timed out: 1200 seconds without output, killing pid 7\n",
            FirstError(
                2, "command timed out: 1200 seconds without output, killing pid 7", "timeout"
            ),
        ),
        (
            b"oworking\nhprocess killed by signal 9\n",
            FirstError(1, "process killed by signal 9", "killed"),
        ),
        (b"oerror: x\nhprocess killed by signal 9\n", FirstError(0, "error: x", "error")),
        (
            b"hmake\nh\nhprogram finished with exit code 3\n",
            FirstError(2, "program finished with exit code 3", LAST_LINE),
        ),
    ],
)
def test_the_worker_may_say_why_a_command_ended(text: bytes, expected: FirstError):
    assert _found(text, has_letters=True) == expected


def test_nothing_is_found_in_an_empty_log():
    assert _found(b"") is None
    assert _found(b"\n  \n") is None


def test_a_cause_counts_more_than_what_may_be_one_and_what_follows_from_it():
    likely, consequence = b"2024-01-01 ERROR retrying\n", b"make: *** [all] Error 2\n"
    cause = b"a.c:1:1: error: x\n"

    for before in (likely, consequence, likely + consequence, consequence + likely):
        assert _found(before + cause) == FirstError(
            before.count(b"\n"), "a.c:1:1: error: x", "compiler"
        )
    assert _found(consequence + likely) == FirstError(1, "2024-01-01 ERROR retrying", "error")
    assert _found(b"x\n" + consequence) == FirstError(1, "make: *** [all] Error 2", "make")


def test_rules_can_be_others():
    rules = (
        ErrorRule("ours", r"^FROB (\d+)", but="FROB 0"),
        ErrorRule("weak", "x", grade=Grade.LIKELY),
    )

    assert _found(b"error: x\nFROB 0\nFROB 7\n", rules=rules) == FirstError(2, "FROB 7", "ours")
    assert _found(b"a\nx\nb\n", rules=rules) == FirstError(1, "x", "weak")
    assert _found(b"a\nx\nb\n", rules=()) == FirstError(2, "b", LAST_LINE)


def test_of_a_long_line_the_part_with_the_error_is_shown():
    found = _found(b"x" * 5_000 + b" a.c:1:1: error: y\n")

    assert found is not None
    assert found.text.endswith("a.c:1:1: error: y")
    assert len(found.text) == 400
