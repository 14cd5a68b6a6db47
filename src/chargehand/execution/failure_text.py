"""An exception of the user's code, as the text of a log."""

from __future__ import annotations

import html
import traceback
from pathlib import Path
from types import TracebackType

from chargehand.kit.guard import BaseExceptionRaised

_PACKAGES = Path(__file__).resolve().parents[2]
_OURS = tuple(
    f"{_PACKAGES / directory}/"
    for directory in (
        "chargehand/execution",
        "buildbot/_border",
        "buildbot/_host",
        "buildbot/process",
    )
)


def text_of(error: BaseException) -> str:
    """Return the traceback, beginning where the user's code (or a step) was called."""
    error = _raised(error)
    where = _first_foreign(error.__traceback__) or error.__traceback__
    return "".join(traceback.format_exception(type(error), error, where))


def headline_of(error: BaseException) -> str:
    """Return the traceback's last line: class and message."""
    error = _raised(error)
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def html_of(error: BaseException) -> str:
    """Return the same as a small HTML page."""
    title = html.escape(headline_of(error))
    return (
        f'<html><head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body><h1>{title}</h1>\n<pre>{html.escape(text_of(error))}</pre></body></html>\n"
    )


def _raised(error: BaseException) -> BaseException:
    return error.raised if isinstance(error, BaseExceptionRaised) else error


def _first_foreign(where: TracebackType | None) -> TracebackType | None:
    while where is not None and where.tb_frame.f_code.co_filename.startswith(_OURS):
        where = where.tb_next
    return where
