"""`force` and `rebuild`: start builds on a running master."""

from __future__ import annotations

import difflib
from urllib.parse import quote

import click
import msgspec
from rich.console import Console

from chargehand.app.failure import CommandFailed
from chargehand.cli.remote.finding import build_named, builder_named, builder_names
from chargehand.cli.remote.following import Follower
from chargehand.cli.remote.master import RemoteMaster
from chargehand.cli.remote.options import complete_builders, json_option, on_a_master, show_json
from chargehand.cli.remote.rows import Builder, ForceScheduler
from chargehand.domain.result import Result

_follow_option = click.option(
    "-f", "--follow", is_flag=True, help="Follow the build; its result is the exit status."
)
_quiet_option = click.option(
    "-q", "--quiet", is_flag=True, help="With --follow: show steps but not their output."
)


@click.command()
@click.argument("builder", shell_complete=complete_builders)
@click.option("-b", "--branch", help="Branch to build.")
@click.option("-r", "--revision", help="Revision to build.")
@click.option("--codebase", help="Codebase that --branch and --revision belong to.")
@click.option(
    "-p",
    "--property",
    "properties",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the force scheduler; may be repeated.",
)
@click.option("--reason", help="Reason, shown with the build.")
@click.option("--scheduler", help="Force scheduler to use. Default: the builder's first.")
@_follow_option
@_quiet_option
@json_option
@on_a_master
async def force(
    master: RemoteMaster,
    builder: str,
    branch: str | None,
    revision: str | None,
    codebase: str | None,
    properties: tuple[str, ...],
    reason: str | None,
    scheduler: str | None,
    follow: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Start a build of BUILDER, like the button on its page."""
    found = await builder_named(master, builder)
    form = await _form(master, found, scheduler)
    given = [("branch", branch), ("revision", revision), ("reason", reason)]
    wanted = dict(_parsed(one) for one in properties)
    wanted |= {name: value for name, value in given if value is not None}
    parameters = {_full_name(form, name, codebase): value for name, value in wanted.items()}
    parameters["builderNames"] = found.name
    names = {found.builderid: found.name}
    result = await master.order(f"forceschedulers/{quote(form.name, safe='')}", "force", parameters)
    return await _ordered(master, result, names, follow=follow, quiet=quiet, as_json=as_json)


@click.command()
@click.argument("build")
@_follow_option
@_quiet_option
@json_option
@on_a_master
async def rebuild(
    master: RemoteMaster, build: str, follow: bool, quiet: bool, as_json: bool
) -> int:
    """Rebuild BUILD: the same sources and properties again.

    BUILD is BUILDER#NUMBER, BUILDER (its latest build), a build id, or the address of its page.
    """
    found = await build_named(master, build)
    names = await builder_names(master)
    result = await master.order(f"builds/{found.buildid}", "rebuild", {})
    return await _ordered(master, result, names, follow=follow, quiet=quiet, as_json=as_json)


async def _form(master: RemoteMaster, builder: Builder, name: str | None) -> ForceScheduler:
    path = f"builders/{builder.builderid}/forceschedulers"
    forms = [form for form in await master.all(ForceScheduler, path) if form.enabled]
    if name is None and forms:
        return forms[0]
    for form in forms:
        if form.name == name:
            return form
    if not forms:
        raise CommandFailed(
            f'no force scheduler builds "{builder.name}". Add one to the configuration: '
            f"c['schedulers'].append(schedulers.ForceScheduler(name='force', "
            f"builderNames=[{builder.name!r}]))"
        )
    names = ", ".join(form.name for form in forms)
    raise CommandFailed(
        f'no force scheduler "{name}" builds "{builder.name}". Force schedulers: {names}.'
    )


def _parsed(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f'--property must be NAME=VALUE, not "{text}"')
    return name, value


def _full_name(form: ForceScheduler, name: str, codebase: str | None) -> str:
    """Return a parameter's full name in the form. Raises CommandFailed."""
    fields = [field for top in form.all_fields for field in top.all() if field.full_name]
    wanted = name if codebase is None else f"{codebase}_{name}"
    by_full_name = [field for field in fields if field.full_name == wanted]
    found = by_full_name or [field for field in fields if field.name == name]
    if codebase is not None and name in ("branch", "revision"):
        found = by_full_name
    full_names = sorted({str(field.full_name) for field in found})
    if len(full_names) == 1:
        return full_names[0]
    if full_names:
        hint = (
            "Choose one with --codebase" if name in ("branch", "revision") else "Give the full name"
        )
        raise CommandFailed(
            f'force scheduler "{form.name}" has several parameters "{name}": '
            f"{', '.join(full_names)}. {hint}."
        )
    known = sorted({str(field.full_name) for field in fields if not field.fields})
    near = difflib.get_close_matches(wanted, known, 1)
    did_you_mean = f'Did you mean "{near[0]}"? ' if near else ""
    raise CommandFailed(
        f'force scheduler "{form.name}" has no parameter "{wanted}". {did_you_mean}'
        f"Parameters: {', '.join(known)}."
    )


async def _ordered(
    master: RemoteMaster,
    result: object,
    names: dict[int, str],
    *,
    follow: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Report the new requests, and follow them if asked to."""
    buildset, requests = msgspec.convert(result, tuple[int, dict[int, int]], strict=False)
    if as_json and not follow:
        by_name = {
            names.get(builder, str(builder)): request for builder, request in requests.items()
        }
        show_json({"buildsetid": buildset, "buildrequests": by_name})
        return 0
    status = 0
    console = Console(highlight=False, stderr=as_json)
    for builder, request in requests.items():
        name = names.get(builder, str(builder))
        if not follow:
            click.echo(f"Build of {name} requested (request:{request}).")
            continue
        build = await Follower(master, console, show_output=not quiet).request(request, name)
        if build is None:
            console.print(f"request:{request} ended without a build", markup=False)
        elif as_json:
            show_json(build)
        if build is None or build.result not in (Result.SUCCESS, Result.WARNINGS):
            status = 1
    return status
