"""`checkconfig`: read a configuration and report every error in it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import click

from chargehand.app.extension import described, open_host
from chargehand.app.failure import CommandFailed
from chargehand.cli.basedir import SETTINGS_FILE, open_basedir
from chargehand.config.errors import ConfigErrors
from chargehand.config.model import MasterConfig
from chargehand.kit.pauses import without_pauses


@click.command()
@click.argument("place", metavar="[DIR|FILE]", type=click.Path(path_type=Path), default=".")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing unless something is wrong.")
def checkconfig(place: Path, quiet: bool) -> int:
    """Check the configuration FILE, or that of the master in DIR, without running it.

    Shows all errors together, with file and line where known. Exit status 0: no errors
    (warnings are allowed).
    """
    config_path, basedir = configuration_of(place)
    with contextlib.chdir(basedir if basedir.is_dir() else Path()):
        config = load_configuration(config_path, basedir)
    for warning in config.warnings:
        click.secho(f"warning: {warning}", fg="yellow", err=True)
    if not quiet:
        click.echo(f"Configuration OK: {config.summary}")
    return 0


def configuration_of(place: Path) -> tuple[Path, Path]:
    """Return the configuration file that *place* refers to, and its directory."""
    place = place.resolve()
    if place.is_dir():
        if (place / SETTINGS_FILE).exists():
            basedir = open_basedir(place)
            return basedir.config_path, basedir.path
        return place / "master.cfg", place
    return place, place.parent


def load_configuration(config_path: Path, basedir: Path) -> MasterConfig:
    """Read a configuration outside a running master. Raises CommandFailed with all errors."""
    if not config_path.exists():
        raise CommandFailed(f'configuration file "{config_path}" does not exist')

    async def load() -> MasterConfig:
        host = open_host(basedir, config_path)
        host.install(asyncio.get_running_loop())
        return await host.load()

    try:
        with without_pauses():
            return asyncio.run(load())
    except ConfigErrors as errors:
        raise CommandFailed(described(errors, config_path)) from None
