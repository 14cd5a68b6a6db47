"""Formats exceptions of users' code, for logs and as sentences."""

from __future__ import annotations

import html
import traceback
from collections.abc import Callable

from chargehand.kit import error_text
from chargehand.kit.asking import AnswerTimeout
from chargehand.kit.frames import keep_foreign, strip_plumbing, users_stack
from chargehand.kit.passwords import without_passwords

_LONGEST = 200


def text_of(error: BaseException) -> str:
    """Return the traceback, of the user's code only; without such code, only what was raised. It
    has no passwords in addresses."""
    if isinstance(error, AnswerTimeout):
        return f"{error}\n"
    found = traceback.TracebackException.from_exception(error_text.raised_by(error))
    if _is_users(found):
        _strip(found, keep_foreign)
        return without_passwords("".join(found.format()))
    return without_passwords("".join(found.format_exception_only()))


def _is_users(found: traceback.TracebackException) -> bool:
    chained = (found.__cause__, found.__context__)
    return users_stack(found.stack) or any(one is not None and _is_users(one) for one in chained)


def log_text_of(error: BaseException) -> str:
    """Return the traceback for the master's log: with our frames where there are no others."""
    if isinstance(error, AnswerTimeout):
        return ""
    found = traceback.TracebackException.from_exception(error_text.raised_by(error))
    _strip(found, strip_plumbing)
    return "".join(["\n", *found.format()]).rstrip()


def headline_of(error: BaseException) -> str:
    """Return the traceback's last line: class and message."""
    error = error_text.raised_by(error)
    return str(error) if isinstance(error, AnswerTimeout) else error_text.headline_of(error)


def error_sentence(step_name: str, error: BaseException, redact: Callable[[str], str] = str) -> str:
    """Return a step's error in one line; *redact* hides secrets before truncation."""
    error = error_text.raised_by(error)
    message = " ".join(redact(error_text.message_of(error)).split())
    if len(message) > _LONGEST:
        message = f"{message[:_LONGEST]} …"
    if isinstance(error, AnswerTimeout):
        return f'step "{step_name}": {message}'
    return f'{type(error).__name__} in step "{step_name}": {message}'.removesuffix(": ")


def html_of(error: BaseException) -> str:
    """Return the traceback as a small HTML page."""
    title = html.escape(without_passwords(headline_of(error)))
    return (
        f'<html><head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body><h1>{title}</h1>\n<pre>{html.escape(text_of(error))}</pre></body></html>\n"
    )


def _strip(
    found: traceback.TracebackException, strip: Callable[[traceback.StackSummary], None]
) -> None:
    """Remove frames of ours, also in chained exceptions."""
    strip(found.stack)
    for other in (found.__cause__, found.__context__, *(getattr(found, "exceptions", None) or ())):
        if other is not None:
            _strip(other, strip)
