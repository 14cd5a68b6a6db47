"""`cancel`: stop a build, or cancel a request."""

from __future__ import annotations

import click

from chargehand.app.failure import CommandFailed
from chargehand.cli.remote.finding import Kind, build_named, builder_named, named
from chargehand.cli.remote.master import RemoteMaster
from chargehand.cli.remote.options import json_option, on_a_master, show_json
from chargehand.cli.remote.rows import Build, Request


@click.command()
@click.argument("what")
@click.option("--reason", default="cancelled from the command line", show_default=True)
@json_option
@on_a_master
async def cancel(master: RemoteMaster, what: str, reason: str, as_json: bool) -> None:
    """Stop a running build, or cancel a waiting request.

    WHAT is BUILDER#NUMBER, BUILDER (its running build), build:ID, request:ID, or the address of a
    page.
    """
    path, was_complete = await _order(master, what, reason)
    if as_json:
        show_json({"path": path, "was_complete": was_complete})
    elif was_complete:
        click.echo(f"{what} has already finished.")
    else:
        click.echo(f"Cancelling {what}.")


async def _order(master: RemoteMaster, what: str, reason: str) -> tuple[str, bool]:
    found = named(what)
    if found.kind is Kind.NUMBER:
        number = found.number
        raise CommandFailed(f'"{what}" is ambiguous: use build:{number} or request:{number}')
    if found.kind is Kind.CHANGE:
        raise CommandFailed("a change cannot be cancelled; cancel its builds or requests")
    if found.kind is Kind.REQUEST:
        path = f"buildrequests/{found.number}"
        request = (await master.all(Request, path))[0]
        await master.order(path, "cancel", {"reason": reason})
        return path, request.complete
    if found.kind is Kind.BUILDER:
        build = await _running_build(master, found.builder)
    else:
        build = await build_named(master, what)
    path = f"builds/{build.buildid}"
    await master.order(path, "stop", {"reason": reason})
    return path, build.complete


async def _running_build(master: RemoteMaster, name: str) -> Build:
    builder = await builder_named(master, name)
    path = f"builders/{builder.builderid}/builds"
    running = await master.all(Build, path, complete=False, order="number")
    if len(running) == 1:
        return running[0]
    if not running:
        raise CommandFailed(f'no build of "{name}" is running')
    which = ", ".join(f"{name}#{build.number}" for build in running)
    raise CommandFailed(f'several builds of "{name}" are running; choose one of: {which}')
