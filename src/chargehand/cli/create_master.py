"""`create-master` and `upgrade-master`: make a master's directory, and bring one up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import click

from chargehand.app.failure import CommandFailed
from chargehand.cli.basedir import SETTINGS_FILE, PidFile, open_basedir
from chargehand.cli.file_modes import keep_private

_SETTINGS = """\
# Settings of this master's directory. `chargehand start` reads the plain assignments of this file;
# it does not execute it.
basedir = {basedir!r}
configfile = {config!r}
rotateLength = {log_size!r}
maxRotatedFiles = {log_count!r}
umask = None
"""


@click.command("create-master")
@click.argument("directory", type=click.Path(path_type=Path), default=".")
@click.option("-r", "--relocatable", is_flag=True, help="Allow the directory to be moved later.")
@click.option(
    "-c",
    "--config",
    default="master.cfg",
    show_default=True,
    help="Name of the configuration file.",
)
@click.option(
    "--db",
    "db_url",
    default="sqlite:///state.sqlite",
    show_default=True,
    help="URL of the database.",
)
@click.option("-f", "--force", is_flag=True, help=f"Overwrite an existing {SETTINGS_FILE}.")
@click.option(
    "-s",
    "--log-size",
    default=10_000_000,
    show_default=True,
    help="Rotate the log at this size (bytes).",
)
@click.option("-l", "--log-count", default=10, show_default=True, help="Keep this many old logs.")
@click.option("-n", "--no-logrotate", is_flag=True, help="Keep all old logs.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
def create_master(
    directory: Path,
    relocatable: bool,
    config: str,
    db_url: str,
    force: bool,
    log_size: int,
    log_count: int,
    no_logrotate: bool,
    quiet: bool,
) -> None:
    """Create DIRECTORY for a master: settings, a commented sample configuration, a database.

    Existing files are kept.
    """
    say = (lambda _: None) if quiet else click.echo
    path = directory.resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(f'cannot create "{path}": {error.strerror}') from None
    keep_private(path)
    settings = _SETTINGS.format(
        basedir="." if relocatable else str(path),
        config=config,
        log_size=log_size,
        log_count=None if no_logrotate else log_count,
    )
    _write(path / SETTINGS_FILE, settings, overwrite=force, say=say)
    sample = resources.files("chargehand.cli").joinpath("templates/master.cfg.sample").read_text()
    sample = sample.replace("sqlite:///state.sqlite", db_url)
    _write(path / f"{config}.sample", sample, overwrite=True, say=say)
    asyncio.run(_upgrade_database(path, db_url))
    say(f"Created a master in {path}.")
    if not (path / config).exists():
        say(f"Next: cp {path / config}.sample {path / config}")
        say(f"Edit the copy, then start the master: chargehand start {path}")


@click.command("upgrade-master")
@click.argument("directory", type=click.Path(path_type=Path), default=".")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
@click.option(
    "-r", "--replace", is_flag=True, help="Accepted for scripts; the sample is always replaced."
)
def upgrade_master(directory: Path, quiet: bool, replace: bool) -> None:
    """Upgrade the database of the master in DIRECTORY to this version, and refresh the sample."""
    from chargehand.cli.check_configuration import load_configuration

    basedir = open_basedir(directory)
    if (running := PidFile(basedir.pid_path).running()) is not None:
        raise CommandFailed(
            f"A master runs in {basedir.path} (process {running}). "
            f"Stop it first: chargehand stop {basedir.path}"
        )
    keep_private(basedir.path, basedir.umask)
    config = load_configuration(basedir.config_path, basedir.path)
    asyncio.run(_upgrade_database(basedir.path, config.db_url))
    sample = resources.files("chargehand.cli").joinpath("templates/master.cfg.sample").read_text()
    (basedir.path / f"{basedir.config_file}.sample").write_text(sample)
    if not quiet:
        click.echo(f"{basedir.path} is up to date.")


def _write(path: Path, text: str, *, overwrite: bool, say: Callable[[str], None]) -> None:
    if path.exists() and not overwrite:
        say(f"Kept existing {path.name} (overwrite it with --force).")
        return
    path.write_text(text)
    path.chmod(0o600)


async def _upgrade_database(basedir: Path, db_url: str) -> None:
    from chargehand.store.engine.database import upgrade
    from chargehand.store.errors import StoreError

    try:
        await upgrade(db_url, basedir)
    except StoreError as error:
        raise CommandFailed(str(error)) from None
