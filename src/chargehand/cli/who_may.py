"""`who-may`: which rule decides whether somebody may do something, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from chargehand.app.failure import CommandFailed
from chargehand.config.model import MasterConfig
from chargehand.domain.user import ANONYMOUS, User
from chargehand.resources.explaining import Asked, Explanation, explained
from chargehand.resources.permissions import BuilderNames
from chargehand.resources.policy import Policy

_ORDERS = {
    "force": "forceschedulers",
    "stop": "builds",
    "rebuild": "builds",
    "cancel": "buildrequests",
    "set_priority": "buildrequests",
    "enable": "schedulers",
    "pause": "workers",
    "unpause": "workers",
    "kill": "workers",
    "stop-worker": "workers",
}
"""What may be ordered, with the kind of thing that it is ordered of."""
_SEE = ("see", "read")
_OF_BUILDERS = frozenset({"forceschedulers", "builds", "buildrequests"})


@click.command("who-may")
@click.argument("name", metavar="USER")
@click.argument("action", type=click.Choice([*_SEE, *_ORDERS]), metavar="ACTION")
@click.argument("thing", required=False, metavar="[THING]")
@click.option(
    "--dir",
    "place",
    type=click.Path(path_type=Path),
    default=".",
    help="The master's directory, or its configuration file. Default: this directory.",
)
@click.option("--email", help="The address of USER. Default: USER.")
@click.option("--groups", default="", help="The groups of USER, separated by commas.")
@click.option("--owner", default="", help="The address of the person who asked for the build.")
@click.option("--branch", default="", help="The branch of the build.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def who_may(
    name: str,
    action: str,
    thing: str | None,
    place: Path,
    email: str | None,
    groups: str,
    owner: str,
    branch: str,
    as_json: bool,
) -> int:
    """Say whether USER may do ACTION with THING, and which rule decides.

    USER is a name to log in with, or "anonymous". ACTION is see, force, stop, rebuild, cancel,
    set_priority, enable, pause, unpause, kill or stop-worker. THING is a builder, for orders
    about workers (and for "see") a worker, for "enable" a scheduler, or a project or tag, which
    stands for each of its builders: "project:app" and "tag:nightly", if a builder has the same
    name. Without it, the answer is about all of them.

    Reads the configuration, and connects nowhere: tell with --groups and --email what logging in
    would. The exit status is 0 if it is allowed (of a project or tag: all of it), otherwise 1.
    """
    from chargehand.cli.check_configuration import configuration_of, load_configuration

    config = load_configuration(*configuration_of(place))
    told = tuple(group.strip() for group in groups.split(",") if group.strip())
    user = ANONYMOUS
    if name != "anonymous":
        user = User(name=name, email=name if email is None else email, groups=told)
    kind = "" if action in _SEE else _ORDERS[action]
    meant = _meant(thing, kind, config)
    what = " ".join(filter(None, (action, meant.words)))
    questions = [
        Asked(
            kind=kind,
            action="stop" if action == "stop-worker" else action,
            builder=builder,
            worker=meant.worker,
            owner=owner,
            branch=branch,
        )
        for builder in meant.builders or (None,)
    ]
    found = asyncio.run(_answers(config.web.policy, user, questions))
    if meant.is_group:
        by_name = {
            asked.builder.name: one
            for asked, one in zip(questions, found, strict=True)
            if asked.builder is not None
        }
        return _show_group(by_name, user.words, what, as_json=as_json)
    if as_json:
        click.echo(msgspec.json.encode(found[0]).decode())
        return int(not found[0].is_allowed)
    is_vague = kind in _OF_BUILDERS and not meant.builders
    for line in _lines(found[0], user.words, what, is_vague=is_vague):
        click.echo(line)
    return int(not found[0].is_allowed)


class _Meant(msgspec.Struct, frozen=True, kw_only=True):
    """What THING stands for."""

    words: str = ""
    builders: tuple[BuilderNames, ...] = ()
    worker: str = ""
    is_group: bool = False
    """Whether it stands for all of its builders."""


def _meant(thing: str | None, kind: str, config: MasterConfig) -> _Meant:
    """Return what THING stands for. Raises CommandFailed."""
    if thing is None:
        return _Meant()
    builders = [
        BuilderNames(name=one.name, project=one.project or "", tags=one.tags)
        for one in config.builders
    ]
    workers = [one.name for one in config.workers]
    schedulers = [one.name for one in config.schedulers]
    groups: dict[str, list[BuilderNames]] = {}
    for one in builders:
        names = [*((f"project:{one.project}",) if one.project else ())]
        for group in (*names, *(f"tag:{tag}" for tag in one.tags)):
            groups.setdefault(group, []).append(one)
    if kind == "workers":
        known = workers
    elif kind == "schedulers":
        known = schedulers
    else:
        known = [one.name for one in builders] + ([] if kind else workers)
    prefix, _, rest = thing.partition(":")
    if prefix in _PREFIXES and kind in _PREFIXES[prefix]:
        thing = rest if rest in known else thing
    named = tuple(one for one in builders if one.name == thing and thing in known)
    if named:
        return _Meant(words=thing, builders=named)
    if thing in known:
        return _Meant(words=thing, worker=thing if thing in workers else "")
    if kind in _OF_BUILDERS or not kind:
        for group in (thing, f"project:{thing}", f"tag:{thing}"):
            if group in groups:
                sort, _, name = group.partition(":")
                words = f'builders of the project "{name}"'
                if sort == "tag":
                    words = f'builders with the tag "{name}"'
                return _Meant(words=words, builders=tuple(groups[group]), is_group=True)
        known = [*known, *groups, *(group.partition(":")[2] for group in groups)]
    _no_such_thing(thing, known)
    return _Meant()


_PREFIXES = {
    "builder": ("", *_OF_BUILDERS),
    "worker": ("", "workers"),
    "scheduler": ("schedulers",),
}


async def _answers(policy: Policy, user: User, asked: list[Asked]) -> list[Explanation]:
    return [await explained(policy, user, one) for one in asked]


def _show_group(found: dict[str, Explanation], who: str, what: str, *, as_json: bool) -> int:
    """Show what holds for each builder of a project or with a tag."""
    allowed = [name for name, one in found.items() if one.is_allowed]
    if as_json:
        click.echo(
            msgspec.json.encode(
                {"is_allowed": len(allowed) == len(found), "builders": found}
            ).decode()
        )
        return int(len(allowed) < len(found))
    action, _, of = what.partition(" ")
    if len(found) == 1:
        verb = "may" if allowed else "may not"
        said = f"{who} {verb} {action} the one {of.replace('builders', 'builder', 1)}."
    elif len(allowed) == len(found):
        said = f"{who} may {action} all {len(found)} {of}."
    elif allowed:
        said = f"{who} may {action} {len(allowed)} of the {len(found)} {of}."
    else:
        said = f"{who} may {action} none of the {len(found)} {of}."
    click.echo(click.style(said, bold=True))
    roles = next(iter(found.values())).roles
    click.echo(f"Roles: {', '.join(roles) or 'none'}.")
    for name, one in found.items():
        click.echo(f"  {name}: {'yes' if one.is_allowed else 'no'}. {one.why}")
    return int(len(allowed) < len(found))


def _no_such_thing(name: str, names: list[str]) -> None:
    import difflib

    near = difflib.get_close_matches(name, names, 1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    raise CommandFailed(f'the configuration has no "{name}".{hint}')


def _lines(found: Explanation, who: str, what: str, *, is_vague: bool) -> Iterator[str]:
    verb = "may" if found.is_allowed else "may not"
    depends = ", perhaps: it depends on the builder" if is_vague and found.is_allowed else ""
    yield click.style(f"{who} {verb} {what}{depends}.", bold=True)
    yield found.why
    yield f"Roles: {', '.join(found.roles) or 'none'}."
    for said in found.rules:
        yield f"  {said.rule} {said.says}"
    if not found.is_allowed and not found.roles:
        yield "Tell the groups and the address of the user with --groups and --email."
