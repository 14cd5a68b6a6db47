"""`check-database`: find damage in a master's database and log files, and repair it."""

from __future__ import annotations

from pathlib import Path

import click

from chargehand.app.failure import CommandFailed
from chargehand.cli.basedir import PidFile, open_basedir


@click.command("check-database")
@click.argument("directory", type=click.Path(path_type=Path), default=".")
@click.option("--repair", is_flag=True, help="Repair the damage; the master must be stopped.")
def check_database(directory: Path, repair: bool) -> int:
    """Look for damage in the database and the log files of the master in DIRECTORY.

    Prints the table, key and column of each, and what a repair does. The exit status is 1 if
    damage was found and not repaired.
    """
    from chargehand.cli.check_configuration import load_configuration
    from chargehand.store.checking import checked
    from chargehand.store.errors import StoreError

    basedir = open_basedir(directory)
    if repair and (running := PidFile(basedir.pid_path).running()) is not None:
        raise CommandFailed(
            f"A master is running in {basedir.path} (process {running}). "
            f"Stop it first: chargehand stop {basedir.path}"
        )
    config = load_configuration(basedir.config_path, basedir.path)
    try:
        found = checked(config.db_url, basedir.path, is_to_be_repaired=repair)
    except StoreError as error:
        raise CommandFailed(str(error)) from None
    for damage in found:
        click.echo(str(damage))
    if not found:
        click.echo("No damage found.")
        return 0
    lasting = sum(damage.is_lasting for damage in found)
    if repair:
        click.echo(f"Repaired {len(found) - lasting} of {len(found)}.")
        return 1 if lasting else 0
    click.echo(f"{len(found)} found. To repair: chargehand check-database --repair {directory}")
    return 1
