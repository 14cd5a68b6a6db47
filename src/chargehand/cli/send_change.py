"""`sendchange`: send a change to a master's PBChangeSource."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from pathlib import Path

import click

from chargehand.app.failure import CommandFailed
from chargehand.domain.trust import TrustLevel
from chargehand.plugins.root import activate


@click.command()
@click.argument("files", nargs=-1)
@click.option("-m", "--master", required=True, help="Address of the change source, HOST:PORT.")
@click.option("-a", "--auth", default="change:changepw", help="USER:PASSWORD of the change source.")
@click.option("-W", "--who", required=True, help="Who made the change.")
@click.option("-R", "--repository", default="", help="URL of the repository.")
@click.option("-s", "--vc", help="Version control system, such as git.")
@click.option("-P", "--project", default="", help="Project.")
@click.option("-b", "--branch", help="Branch.")
@click.option("-C", "--category", help="Category.")
@click.option("--codebase", help="Codebase.")
@click.option("-r", "--revision", help="Revision.")
@click.option(
    "--revision_file",
    "--revision-file",
    type=click.Path(exists=True, path_type=Path),
    help="File with the revision.",
)
@click.option("-p", "--property", "properties", multiple=True, help="NAME:VALUE; may be repeated.")
@click.option("-c", "--comments", default="", help="What was changed.")
@click.option(
    "-F",
    "--logfile",
    type=click.Path(allow_dash=True),
    help="File with the comments (-: stdin).",
)
@click.option("-w", "--when", type=float, help="When the change was made, in seconds since 1970.")
@click.option("-l", "--revlink", default="", help="URL of a page that shows the change.")
@click.option(
    "--trust",
    type=click.Choice([level.value for level in TrustLevel]),
    help="How far the change is trusted at most.",
)
@click.option("-e", "--encoding", default="utf8", help="Encoding of the arguments.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing unless something is wrong.")
def sendchange(
    files: tuple[str, ...],
    master: str,
    auth: str,
    revision_file: Path | None,
    properties: tuple[str, ...],
    comments: str,
    logfile: str | None,
    revision: str | None,
    quiet: bool,
    **more: object,
) -> int:
    """Send a master a change to FILES."""
    user, _, password = auth.partition(":")
    if not password:
        password = click.prompt("Password", hide_input=True)
    if revision_file is not None:
        revision = revision_file.read_text().strip()
    if logfile is not None:
        comments = sys.stdin.read() if logfile == "-" else Path(logfile).read_text()
    activate()
    client = import_module("buildbot.clients.sendchange")
    try:
        asyncio.run(
            client.send(
                master=master,
                user=user,
                password=password,
                files=files,
                comments=comments,
                revision=revision,
                properties=_parsed(properties),
                **more,
            )
        )
    except client.SendChangeFailed as error:
        raise CommandFailed(str(error)) from None
    if not quiet:
        click.echo("change sent successfully")
    return 0


def _parsed(properties: tuple[str, ...]) -> dict[str, str]:
    result = {}
    for text in properties:
        name, colon, value = text.partition(":")
        if not colon:
            raise click.UsageError(f'--property must be NAME:VALUE, not "{text}"')
        result[name] = value
    return result
