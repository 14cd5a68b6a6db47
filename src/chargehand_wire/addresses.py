"""Passwords and tokens in addresses, which both ends hide in all that they write themselves.

They are ``https://user:password@host``, ``https://ghp_abc@host`` and ``https://host/?token=abc``.
"""

from __future__ import annotations

import re
from functools import cache

HIDDEN = "***"

_ENDS = r' \t\n\r\f/"'
"""Characters of which neither a user nor a password in an address has any."""

_VALUE_ENDS = r""" \t\n\r\f"'&#<>"""
"""Characters of which a parameter of an address has none."""

_MARKS = ":.,;!)"
"""A parameter's value does not end with these: they belong to the text around the address."""

_SECRET_WORDS = ("token", "secret", "password", "passwd", "passphrase", "signature")
_SECRET_KEYS = ("api", "access", "secret", "private")
_SECRET_NAMES = ("pwd", "sig", "auth", "authorization", "jwt")
"""Whole names; a name that *ends* with one of the words, or with such a "key", is secret, too."""

_GITLAB_TOKENS = "pat|dt|rt|rtr|cbt|ptt|ft|oas|soat|agent|imt|ffct|wt"


def _in_any_case(word: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" for letter in word)


def _secret_parameter() -> str:
    """Return what matches a parameter's name with what is around it: ``?private_token=``."""
    words = "|".join(map(_in_any_case, _SECRET_WORDS))
    keys = "|".join(map(_in_any_case, _SECRET_KEYS))
    names = "|".join(map(_in_any_case, _SECRET_NAMES))
    ending = f"[0-9A-Za-z_.-]*(?:{words}|(?:{keys})[_.-]?{_in_any_case('key')})"
    # The lookahead leaves at once what is no parameter.
    return f"[?&#;](?=[0-9A-Za-z_.-]+=)(?:{ending}|{names})="


_PARAMETER = _secret_parameter()


def _pattern(*, any_of: str, value: str, end: str) -> str:
    r"""Return the regular expression that finds secrets in addresses.

    Texts and JSON texts differ in how a character is written that *any_of* does not exclude, in the
    characters of a parameter's value, and in what ends an address. Of the three groups one is what
    comes before the secret. Whatever the order, Python and databases find the same: the
    alternatives exclude each other, because databases take the longest. A second search finds
    nothing new: an address in which ``?token=***`` stands was searched already.
    """
    some = any_of.format(_ENDS)
    any_of_value, last = value.format(_VALUE_ENDS), value.format(_VALUE_ENDS + _MARKS)
    user = any_of.format(f"{_ENDS}:")
    token = (
        rf"(?:(?:gh[a-z]_|github_pat_|gl(?:{_GITLAB_TOKENS})-)[^{_ENDS}:@\\]+"
        r"|(?:ATATT|ATBB|ATCTT|eyJ|npm_|pypi-|hf_|dckr_pat_)[0-9A-Za-z_.=-]{16,}"
        r"|[0-9A-Za-z]{32,})"
    )
    token_as_user = (
        rf"(?:{token}(?:[:@](?:{some})*)?|(?:{user})*:x-oauth-basic(?!@(?:{some})*@))(?=@)"
    )
    unsearched = rf"(?!(?:{some})*{_PARAMETER}\*\*\*)"
    shown = rf"(?:<[^<>@ \t\n\r\f]*>|\*\*\*)@(?:{any_of.format('@' + _ENDS)})*(?:{end}|\Z)"
    return (
        rf"(://){unsearched}{token_as_user}"
        rf"|(://{unsearched}(?!{token_as_user})(?!(?:{user})*{_PARAMETER})(?:{user})*:)"
        rf"(?!{shown})(?:{some})+(?=@)"
        rf"|({_PARAMETER})(?:{any_of_value})*(?:{last})"
    )


IN_TEXT = _pattern(any_of="[^{}]", value="[^{}]", end=f"[{_ENDS}]")
"""The regular expression that finds secrets, as Python and databases understand it alike.

The last "@" ends a password, as browsers have it.
"""

IN_JSON = _pattern(
    any_of=r'[^{}\\]|\\[^"/ntrf]',
    value=r'[^{}\\]|\\[^"ntrf]',
    end=rf'[{_ENDS}]|\\["/ntrf]',
)
"""The same in a JSON text: it finds in the strings there what `IN_TEXT` finds in their values."""

REPLACEMENT = rf"\1\2\3{HIDDEN}"


@cache
def searched(pattern: str) -> re.Pattern[str]:
    """Return the compiled expression; compiling one takes as long as many a module's import."""
    return re.compile(pattern)


def is_plain(text: str) -> bool:
    """Return whether *text* cannot be, or be shown as, an address with a secret.

    Only the same text is shown as such a text.
    """
    return "=" not in text and ("://" not in text or "@" not in text)


def without_secrets(text: str) -> str:
    """Return a text with ``***`` for the passwords and tokens in its addresses."""
    return text if is_plain(text) else searched(IN_TEXT).sub(REPLACEMENT, text)
