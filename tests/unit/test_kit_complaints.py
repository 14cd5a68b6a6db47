"""A failure that repeats is logged once."""

from __future__ import annotations

import logging

import pytest

from chargehand.kit.complaints import Complaints
from chargehand.kit.expected import Expected


def test_a_failure_is_logged_again_after_success_or_when_it_is_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    complaints = Complaints(logging.getLogger("test"))

    def happens(what: str | None, *arguments: object) -> None:
        with complaints.guarded("%s failed", *arguments) as guard:
            if what is not None:
                raise ValueError(what)
        assert (guard.failure is None) is (what is None)

    for what in ("a", "a", "b", "b", None, "b"):
        happens(what, "one")
    happens("b", "two")

    errors = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert [str(one.exc_info[1]) for one in errors if one.exc_info] == ["a", "b", "b", "b"]
    assert errors[-1].getMessage() == "two failed"


def test_what_is_expected_is_one_line_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    complaints = Complaints(logging.getLogger("test"))

    for _ in range(2):
        with complaints.guarded("cannot look at %s", "there"):
            raise Expected("connection refused")

    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert record.getMessage() == "cannot look at there: connection refused"
    assert record.exc_info is None
