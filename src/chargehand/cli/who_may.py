"""`who-may`: which rule decides whether somebody may do something, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from chargehand.app.failure import CommandFailed
from chargehand.domain.user import ANONYMOUS, User
from chargehand.resources.explaining import Asked, Explanation, explained
from chargehand.resources.permissions import BuilderNames

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
    set_priority, enable, pause, unpause, kill or stop-worker. THING is a builder, or for orders
    about workers (and with "see", if no builder has that name) a worker; without it, the answer
    is about all of them.

    Reads the configuration, and connects nowhere: tell with --groups and --email what logging in
    would. The exit status is 0 if it is allowed, otherwise 1.
    """
    from chargehand.cli.check_configuration import configuration_of, load_configuration

    config = load_configuration(*configuration_of(place))
    told = tuple(group.strip() for group in groups.split(",") if group.strip())
    user = ANONYMOUS
    if name != "anonymous":
        user = User(name=name, email=name if email is None else email, groups=told)
    kind = "" if action in _SEE else _ORDERS[action]
    builder = next((one for one in config.builders if one.name == thing), None)
    is_worker = kind == "workers" or (not kind and builder is None)
    workers = [one.name for one in config.workers]
    known = workers if kind == "workers" else [one.name for one in config.builders]
    is_known = thing in workers if is_worker else builder is not None
    if thing is not None and kind != "schedulers" and not is_known:
        _no_such_thing(thing, known)
    names = None
    if builder is not None and kind != "workers":
        names = BuilderNames(name=builder.name, project=builder.project or "", tags=builder.tags)
    asked = Asked(
        kind=kind,
        action="stop" if action == "stop-worker" else action,
        builder=names,
        worker=thing or "" if is_worker else "",
        owner=owner,
        branch=branch,
    )
    found = asyncio.run(explained(config.web.policy, user, asked))
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return int(not found.is_allowed)
    what = " ".join(filter(None, (action, thing)))
    is_vague = kind in _OF_BUILDERS and builder is None
    for line in _lines(found, user.words, what, is_vague=is_vague):
        click.echo(line)
    return int(not found.is_allowed)


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
