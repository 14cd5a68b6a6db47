"""Writes ``names.md``: which of Buildbot's names work, and which are accepted so far; and the old
names of the glossary.

Run ``python docs/reference/names.py`` after the extension API has changed; a test compares.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from buildbot import plugins
from buildbot.plugins.namespace import Namespace
from buildbot.plugins.old_names import OLD_NAMES

PAGE = Path(__file__).with_suffix(".md")
GLOSSARY = PAGE.with_name("glossary.md")

_INTRODUCTION = """\
# Buildbot's names

Every name of Buildbot 4.3's plug-in namespaces can be used in a configuration.

* **works**: it does what Buildbot's manual says.
* **accepted**: its arguments are checked, the configuration is read with a visible warning, and it
  does nothing yet. A step of this kind ends with EXCEPTION and says why; a worker does not connect;
  a reporter, scheduler or change source stays silent.

This page is generated from the code by `docs/reference/names.py`.
"""


def page() -> str:
    """Return the page as it should be."""
    parts = [_INTRODUCTION]
    for name in sorted(plugins.__all__):
        namespace = getattr(plugins, name)
        if isinstance(namespace, Namespace) and namespace.offered:
            parts.append(_section(name, namespace))
    return "\n".join(parts)


def _section(title: str, namespace: Namespace) -> str:
    rows = sorted(_rows(namespace), key=lambda row: row[0].lower())
    works = sum(state == "works" for _, state in rows)
    lines = [
        f"## `{title}`: {works} of {len(rows)} work\n",
        "| name | state |",
        "|---|---|",
        *(f"| `{title}.{name}` | {state} |" for name, state in rows),
    ]
    return "\n".join(lines) + "\n"


def _rows(namespace: Namespace) -> Iterator[tuple[str, str]]:
    for name in namespace.offered:
        yield name, "accepted" if _is_to_come(namespace.get(name)) else "works"


def _is_to_come(thing: object) -> bool:
    module = sys.modules.get(getattr(thing, "__module__", None) or "")
    texts = (thing.__doc__, module.__doc__ if module is not None else None)
    return callable(thing) and any("not supported yet" in text for text in texts if text)


def glossary() -> str:
    """Return the glossary with the table of old names as it should be."""
    text, heading, rest = GLOSSARY.read_text(encoding="utf-8").partition("## Old names")
    head = rest.partition("|---|---|\n")[0]
    rows = [
        f"| `{module}.{name}` | {OLD_NAMES[module][name].advice} |\n"
        for module in sorted(OLD_NAMES)
        for name in sorted(OLD_NAMES[module])
    ]
    return f"{text}{heading}{head}|---|---|\n{''.join(rows)}"


if __name__ == "__main__":
    GLOSSARY.write_text(glossary(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
