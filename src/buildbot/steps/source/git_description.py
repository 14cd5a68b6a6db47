"""``getDescription``: what ``git describe`` is asked."""

from __future__ import annotations

from typing import Any

from buildbot._border.errors import error
from buildbot._border.rendering import is_constant

_FLAGS = (*("all", "always", "contains", "debug", "long", "exact-match", "first-parent", "tags"),)
_VALUES = ("match", "exclude")
_NUMBERS = ("abbrev", "candidates")


def check_description(description: Any) -> None:
    """Say what is wrong with the argument, as far as it is known already."""
    if not is_constant(description):
        return
    if not isinstance(description, bool | dict):
        error("Git: getDescription must be a boolean or a dict.")
    elif isinstance(description, dict):
        known = {*_FLAGS, *_VALUES, *_NUMBERS, "dirty"}
        for name in description.keys() - known:
            error(f"Git: getDescription has no option {name!r}")


def describe_options(options: dict[str, Any]) -> list[str]:
    """Return the arguments of ``git describe`` for these options."""
    words = [f"--{name}" for name in _FLAGS if options.get(name)]
    for name in _VALUES:
        if options.get(name) is not None:
            words += [f"--{name}", str(options[name])]
    words += [f"--{n}={options[n]}" for n in _NUMBERS if options.get(n) is not None]
    dirty = options.get("dirty")
    if dirty:  # looks at the directory, and takes no commit
        return [*words, f"--dirty={dirty}" if isinstance(dirty, str) else "--dirty"]
    return [*words, "HEAD"]
