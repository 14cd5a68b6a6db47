"""Finding the builder, build, request or change that a command names."""

from __future__ import annotations

import difflib
import re
from enum import Enum
from urllib.parse import quote, unquote

import msgspec

from chargehand.app.failure import CommandFailed
from chargehand.cli.plain_text import plain_line
from chargehand.cli.remote.master import NotFound, RemoteMaster, Row
from chargehand.cli.remote.rows import Build, Builder, Change

_NAMES_SHOWN = 20

_IN_ADDRESSES = (
    (re.compile(r"builders/([^/?]+)/builds/(\d+)"), "build of a builder"),
    (re.compile(r"/builds/(\d+)"), "build"),
    (re.compile(r"buildrequests/(\d+)"), "request"),
    (re.compile(r"changes/(\d+)"), "change"),
)
_WITH_A_WORD = re.compile(r"(build|request|change)[:\s]\s*(\d+)", re.IGNORECASE)
_OF_A_REVISION = re.compile(r"change[:\s]\s*([^\s#/]+)", re.IGNORECASE)
_LIKE_A_REVISION = re.compile(r"[0-9a-f]{7,64}")
_OF_A_BUILDER = re.compile(r"(.+)[#/](\d+)", re.DOTALL)


class Kind(Enum):
    """The kind of thing that was named."""

    BUILD = "build"
    REQUEST = "request"
    CHANGE = "change"
    NUMBER = "number"
    """A bare number; it may be of a build, a request or a change."""
    BUILDER = "builder"


class Named(msgspec.Struct, frozen=True):
    """What was named, as far as the text alone shows."""

    kind: Kind
    number: int = 0
    builder: str = ""
    revision: str = ""

    @property
    def path(self) -> str:
        """Where the build is."""
        if self.builder:
            return f"builders/{quote(self.builder, safe='')}/builds/{self.number}"
        return f"builds/{self.number}"


def named(text: str) -> Named:
    """Read ``tests#3``, ``tests/3``, ``request:12``, ``change:6e3138f``, a number, an address of a
    page, or a name."""
    text = text.strip()
    if "://" in text or text.startswith("/"):
        return _addressed(text)
    if (found := _WITH_A_WORD.fullmatch(text)) is not None:
        return Named(Kind(found[1].lower()), int(found[2]))
    if text.removeprefix("#").isdecimal():
        return Named(Kind.NUMBER, int(text.removeprefix("#")))
    if (found := _OF_A_REVISION.fullmatch(text)) is not None:
        return Named(Kind.CHANGE, revision=found[1])
    if (found := _OF_A_BUILDER.fullmatch(text)) is not None:
        return Named(Kind.BUILD, int(found[2]), found[1])
    return Named(Kind.BUILDER, builder=text)


def _addressed(address: str) -> Named:
    for pattern, kind in _IN_ADDRESSES:
        if (found := pattern.search(address)) is None:
            continue
        if kind == "build of a builder":
            return Named(Kind.BUILD, int(found[2]), unquote(found[1]))
        return Named(Kind(kind), int(found[1]))
    raise CommandFailed(f'"{address}" is not the address of a build, a request or a change')


async def build_named(master: RemoteMaster, text: str) -> Build:
    """Return the named build; for a builder, its latest."""
    what = named(text)
    if what.kind is Kind.BUILDER:
        builder = await builder_named(master, what.builder)
        latest = await latest_build(master, builder)
        if latest is None:
            raise CommandFailed(f'builder "{builder.name}" has no builds yet')
        return latest
    if what.kind not in (Kind.BUILD, Kind.NUMBER):
        raise CommandFailed(f'"{text}" is a {what.kind.value}, not a build')
    if what.builder and not what.builder.isdecimal():
        await builder_named(master, what.builder)
    try:
        return (await master.all(Build, what.path, property="*"))[0]
    except NotFound as error:
        raise CommandFailed(f'no build "{text}"; list them with: chargehand builds') from error


async def latest_build(master: RemoteMaster, builder: Builder) -> Build | None:
    """Return the builder's latest build."""
    found = await master.all(
        Build, f"builders/{builder.builderid}/builds", order="-number", limit=1, property="*"
    )
    return found[0] if found else None


async def of_revision(master: RemoteMaster, what: Named) -> Named:
    """Return the change that is meant where a builder's name is really a revision."""
    if what.kind is not Kind.BUILDER or not _LIKE_A_REVISION.fullmatch(what.builder):
        return what
    is_builder = what.builder in (await builder_names(master)).values()
    return what if is_builder else Named(Kind.CHANGE, revision=what.builder)


async def change_named(master: RemoteMaster, what: Named) -> Change:
    """Return the named change; of a revision, its newest. Raises CommandFailed."""
    if what.revision:
        found = await master.all(
            Change, "changes", order="-changeid", limit=1, revision__contains=what.revision
        )
        name = f'with revision "{what.revision}"'
    else:
        found = await master.all(Change, "changes", changeid=what.number)
        name = f"{what.number}"
    if found:
        return found[0]
    newest = await master.all(Change, "changes", order="-changeid", limit=1)
    hint = (
        f"The newest is change:{newest[0].changeid} ({(newest[0].revision or '')[:12]})."
        if newest
        else "No changes have arrived yet: see the change sources at /changes."
    )
    raise CommandFailed(f"no change {name}. {hint}")


async def builder_named(master: RemoteMaster, name: str) -> Builder:
    """Return the builder with this name. Raises CommandFailed."""
    builders = await master.all(Builder, "builders", order="name")
    for builder in builders:
        if builder.name == name:
            return builder
    names = [builder.name for builder in builders]
    near = difflib.get_close_matches(name, names, 3)
    if near:
        hint = "Did you mean " + " or ".join(f'"{one}"' for one in near) + "?"
    elif names:
        more = "" if len(names) <= _NAMES_SHOWN else f" and {len(names) - _NAMES_SHOWN} more"
        hint = f"Builders: {', '.join(names[:_NAMES_SHOWN])}{more}."
    else:
        hint = "The configuration has no builders."
    raise CommandFailed(f'no builder "{name}". {hint}')


async def builder_names(master: RemoteMaster) -> dict[int, str]:
    """Return the names of all builders."""
    rows: list[Row] = await master.rows("builders", field=["builderid", "name"])
    return {int(str(row["builderid"])): plain_line(str(row["name"])) for row in rows}
