"""The documentation is complete where it can be, and its links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from chargehand.cli.main import commands
from chargehand.domain.waiting import Waiting
from chargehand.resources import announcements

_ROOT = Path(__file__).parents[2]
_DOCS = _ROOT / "docs"
_PAGES = sorted([*_ROOT.glob("*.md"), *_DOCS.rglob("*.md"), *_ROOT.glob("examples/*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _section(text: str, heading: str) -> str:
    return re.split(r"^## ", text.partition(f"\n## {heading}\n")[2], flags=re.MULTILINE)[0]


def _anchors(page: Path) -> set[str]:
    """Return the anchors that readers on the web make of headings."""
    headings = re.findall(r"^#+ (.+)$", _text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _links(page: Path) -> Iterator[str]:
    without_code = re.sub(r"```.*?```", "", _text(page), flags=re.DOTALL)
    for target in _LINK.findall(without_code):
        if not re.match(r"[a-z]+:", target):
            yield target


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_links_lead_somewhere(page: Path):
    for target in _links(page):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        if anchor:
            assert anchor in _anchors(there), target


def test_every_page_can_be_reached_from_the_index():
    seen: set[Path] = set()
    ahead = [_DOCS / "index.md"]
    while ahead:
        page = ahead.pop()
        if page in seen:
            continue
        seen.add(page)
        for target in _links(page):
            there = (page.parent / target.partition("#")[0]).resolve()
            ahead += sorted(there.glob("*.md")) if there.is_dir() else [there]
            ahead = [one for one in ahead if one.suffix == ".md"]
    assert set(_DOCS.rglob("*.md")) - seen == set()


def _listed() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(commands)
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            for below in command.commands.values():
                yield name, below


_COMMANDS = list(_listed())


@pytest.mark.parametrize(("name", "command"), _COMMANDS)
def test_every_command_and_option_is_in_the_reference(name: str, command: click.Command):
    text = _text(_DOCS / "reference" / "command-line.md")
    section = _section(text, name)

    assert f"`chargehand {name}" in section
    assert command.name in section
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            for option in (*parameter.opts, *parameter.secondary_opts):
                assert f"`{option}`" in section, f"{name} {option}"


def test_the_reference_has_no_options_that_are_not_there():
    text = _text(_DOCS / "reference" / "command-line.md")
    known: dict[str, set[str]] = {}
    for name, command in _COMMANDS:
        options = (p.opts for p in command.params if isinstance(p, click.Option))
        known.setdefault(name, set()).update(*options)

    for name, options in known.items():
        first_cells = re.findall(r"^\| (`-[^|]+)\|", _section(text, name), re.MULTILINE)
        documented = set(re.findall(r"`(-[-\w]+)`", " ".join(first_cells)))
        assert documented <= options, name


def test_every_kind_of_waiting_is_in_the_reference():
    text = _text(_DOCS / "reference" / "rest-api.md")
    table = text.partition("### Why a request waits")[2].partition("\n### ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \|[^|]*\|(.*)\|$", table, re.MULTILINE))
    kinds = {str(kind.__struct_config__.tag): kind for kind in Waiting.__subclasses__()}

    assert rows.keys() == kinds.keys()
    for tag, kind in kinds.items():
        for field in kind.__struct_fields__:
            assert f"`{field}`" in rows[tag], (tag, field)


def test_every_key_of_live_events_is_in_the_reference():
    text = _text(_DOCS / "reference" / "rest-api.md")
    table = text.partition("| keys | verbs |")[2].partition("\n\n")[0]

    for event in announcements.EVENT_TYPES:
        for beginning in announcements.beginnings(event):
            assert f"`{beginning}/" in table, event
    for rule in announcements.ANNOUNCEMENT_RULES:
        for verb in rule.verbs:
            assert f"`{verb}`" in table or f"/{verb}`" in table, verb
