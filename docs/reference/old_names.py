"""Writes the glossary's tables of old keys, arguments and methods, from what the code accepts.

Run ``PYTHONPATH=src python docs/reference/old_names.py`` after an old name was added; a test
compares. The table of old imports below them is held to the code by a test of its own.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from old_methods import (  # noqa: E402
    KEYS_WITHOUT_EFFECT,
    OF_BUILDS,
    OF_LOGS,
    OF_STEPS,
)
from pages import NAMESPACES, described, public  # noqa: E402

from buildbot._border.old_arguments import RENAMED_ARGUMENTS  # noqa: E402
from buildbot._border.old_keys import REMOVED_KEYS, RENAMED_KEYS  # noqa: E402
from buildbot._host.reading import keys  # noqa: E402
from buildbot.config import old_arguments  # noqa: E402
from buildbot.plugins.old_names import OLD_PLUGINS  # noqa: E402

PAGE = HERE / "glossary.md"
_BEGIN, _END = "## Old keys of the configuration\n", "## Old names\n"
_OLD = re.compile(r"(Old name of|Old form of|Old form:|Removed from Buildbot)")


def section() -> str:
    """Return the tables as they should be."""
    return (
        f"{_BEGIN}\n"
        + _table("old key", _keys())
        + "\n## Old arguments\n\n"
        + _table("old argument", _arguments())
        + "\n## Names that `buildbot.plugins` had\n\n"
        + _table("old name", _plugins())
        + "\n## Old methods and attributes\n\nSteps and builds still have them. Where a current "
        "name stands for the same method, both may be called and overridden.\n\n"
        + _table("old method", _methods())
        + "\n"
    )


def page() -> str:
    """Return the glossary as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN if _BEGIN in text else _END)
    after = rest.partition(_END)[2] if _BEGIN in text else rest
    return before + section() + _END + after


def _table(title: str, rows: Iterator[tuple[str, str]]) -> str:
    lines = [f"| `{old}` | {new} |" for old, new in sorted(rows)]
    return "\n".join([f"| {title} | current |", "|---|---|", *lines]) + "\n"


def _keys() -> Iterator[tuple[str, str]]:
    for old, new in RENAMED_KEYS.items():
        yield f"c['{old}']", f"use c['{new}']"
    for old, advice in {**REMOVED_KEYS, **keys._REPLACED, **KEYS_WITHOUT_EFFECT}.items():
        yield f"c['{old}']", advice


def _arguments() -> Iterator[tuple[str, str]]:
    named = {(kind, old) for kind, names in RENAMED_ARGUMENTS.items() for old in names}
    for old, new in old_arguments.RENAMED.items():
        if ("BuilderConfig", old) not in named:
            yield f"BuilderConfig({old}=…)", f"use {new}"
    for kind_name, old in named:
        yield f"{kind_name}({old}=…)", f"use {RENAMED_ARGUMENTS[kind_name][old]}"
    for space in NAMESPACES:
        for name, kind in public(space).items():
            for argument, (owner, found) in (
                described(kind).items() if isinstance(kind, type) else ()
            ):
                if owner is kind and _OLD.match(found.meaning) and (name, argument) not in named:
                    words = re.sub(r"^Old name of (.*)\.$", r"use \1", found.meaning).rstrip(".")
                    yield f"{name}({argument}=…)", words[0].lower() + words[1:]


def _plugins() -> Iterator[tuple[str, str]]:
    for path, names in OLD_PLUGINS.items():
        for name, old in names.items():
            yield (
                f"{path.removeprefix('buildbot.plugins.')}.{name}",
                old.advice.replace("buildbot.plugins.", ""),
            )


def _methods() -> Iterator[tuple[str, str]]:
    for kind, methods in (("Build", OF_BUILDS), ("BuildStep", OF_STEPS), ("Log", OF_LOGS)):
        for name, advice in methods.items():
            yield f"{kind}.{name}", advice


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
