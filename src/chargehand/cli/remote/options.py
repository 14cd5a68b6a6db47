"""Options of all commands that talk to a running master."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click
import msgspec

from chargehand.cli.remote.master import URL_VARIABLE, Place, RemoteMaster, reached

P = ParamSpec("P")
T = TypeVar("T")

_SECONDS_TO_COMPLETE = 2.0


def on_a_master(
    command: Callable[Concatenate[RemoteMaster, P], Awaitable[T]],
) -> Callable[P, T]:
    """Run *command* with the master that ``--url`` or ``--directory`` names."""

    @click.option(
        "--url",
        metavar="URL",
        help=f"Address of the master, e.g. http://ci.example.org:8010. Default: ${URL_VARIABLE}.",
    )
    @click.option(
        "-d",
        "--directory",
        type=click.Path(path_type=Path, file_okay=False),
        help="The master's directory on this machine. Default: the current directory.",
    )
    @wraps(command)
    def run(*args: P.args, **keywords: P.kwargs) -> T:
        url, directory = keywords.pop("url"), keywords.pop("directory")
        assert url is None or isinstance(url, str)
        assert directory is None or isinstance(directory, Path)
        place = Place.chosen(url, directory)

        async def work() -> T:
            async with reached(place) as master:
                return await command(master, *args, **keywords)

        return asyncio.run(work())

    return run


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def show_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def complete_builders(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the builders whose names start with *incomplete*, for shell completion."""
    url, directory = context.params.get("url"), context.params.get("directory")

    async def names() -> list[str]:
        async with (
            asyncio.timeout(_SECONDS_TO_COMPLETE),
            reached(Place.chosen(url, directory)) as master,
        ):
            rows = await master.rows("builders", field="name", order="name")
            return [str(row["name"]) for row in rows]

    try:
        found = asyncio.run(names())
    except (click.ClickException, TimeoutError, OSError):
        return []
    return [name for name in found if name.startswith(incomplete)]
