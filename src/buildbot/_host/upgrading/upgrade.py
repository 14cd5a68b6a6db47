"""Upgrading one source: Python 2 first, then names, arguments, and keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import libcst as cst

from buildbot._border.old_keys import REMOVED_KEYS, RENAMED_KEYS
from buildbot._host.upgrading.arguments import with_todays_arguments
from buildbot._host.upgrading.conversion import to_python3
from buildbot._host.upgrading.interfaces import with_implementer
from buildbot._host.upgrading.keys import with_todays_keys
from buildbot._host.upgrading.names import with_todays_names
from buildbot._host.upgrading.python2 import is_python2
from buildbot._host.upgrading.siblings import with_dots
from buildbot._host.upgrading.status import without_status
from buildbot._host.upgrading.values import CannotUpgrade, Remark, Upgraded
from buildbot.plugins.old_names import OLD_NAMES, OLD_PLUGINS


def _any_of(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(map(re.escape, words))})\b")


_OLD = {name for names in (*OLD_NAMES.values(), *OLD_PLUGINS.values()) for name in names}
_Rule = Callable[[cst.Module], tuple[cst.Module, list[Remark]]]
_RULES: tuple[tuple[_Rule, re.Pattern[str]], ...] = (
    (with_implementer, _any_of("implements")),
    (with_todays_names, _any_of(*_OLD)),
    (with_todays_arguments, _any_of("buildbot")),
    (with_todays_keys, _any_of(*RENAMED_KEYS, *REMOVED_KEYS)),
    (without_status, _any_of("status")),
)
"""The rules, each with what a source has where there is something to do for it."""


def upgraded(text: str, file: str) -> Upgraded:
    """Return a source as it is written today; *file* is where it is. Raises CannotUpgrade."""
    if not text.strip():
        return Upgraded(text)
    python3 = to_python3(text, file) if is_python2(text) else text
    try:
        source = cst.parse_module(python3)
    except cst.ParserSyntaxError as error:
        raise CannotUpgrade(f"{file}:{error.raw_line}: {error.message}") from None
    todays, first = _by_all_rules(with_dots(source, Path(file)))
    # What is left is looked for where the author will see it: in the lines of the new text.
    _, left = _by_all_rules(todays) if first else (todays, [])
    done = [one for one in first if all(one.text != other.text for other in left)]
    return Upgraded(todays.code, tuple(sorted({*left, *done})))


def _by_all_rules(source: cst.Module) -> tuple[cst.Module, list[Remark]]:
    remarks: list[Remark] = []
    for rule, words in _RULES:
        if words.search(source.code):
            source, found = rule(source)
            remarks.extend(found)
    return source, remarks
