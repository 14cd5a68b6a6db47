"""`create-worker` and `worker`: the agent on other machines."""

from __future__ import annotations

import getpass
import platform
from pathlib import Path

import click
import msgspec

from chargehand.app.failure import CommandFailed

SETTINGS_FILE = "worker.toml"


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that `create-worker` writes and the agent reads."""

    master: str
    name: str
    password: str
    numcpus: int | None = None
    umask: str | None = None
    keepalive: float = 600.0
    """Seconds between keepalives."""
    max_delay: float = 60.0
    """Seconds; the longest pause between attempts to connect."""


@click.command("create-worker")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.argument("master")
@click.argument("name")
@click.argument("password")
@click.option("-f", "--force", is_flag=True, help=f"Overwrite an existing {SETTINGS_FILE}.")
@click.option("--numcpus", type=click.IntRange(min=1), help="Number of CPUs that builds may use.")
@click.option("--umask", help="Umask of builds, such as 022.")
@click.option(
    "-k", "--keepalive", default=600.0, show_default=True, help="Seconds between keepalives."
)
@click.option(
    "--maxdelay",
    default=60.0,
    show_default=True,
    help="Longest pause between connection attempts, in seconds.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
def create_worker(
    directory: Path,
    master: str,
    name: str,
    password: str,
    force: bool,
    numcpus: int | None,
    umask: str | None,
    keepalive: float,
    maxdelay: float,
    quiet: bool,
) -> int:
    """Create DIRECTORY for the worker NAME of the master at MASTER (HOST:PORT).

    Existing files are kept. PASSWORD is stored in a file that only you can read.
    """
    _, _, port = master.rpartition(":")
    if not port.isdigit():
        raise click.UsageError(f'MASTER must be HOST:PORT, not "{master}"')
    settings = WorkerSettings(
        master=master,
        name=name,
        password=password,
        numcpus=numcpus,
        umask=umask,
        keepalive=keepalive,
        max_delay=maxdelay,
    )
    try:
        (directory / "info").mkdir(parents=True, exist_ok=True)
        _write_settings(directory / SETTINGS_FILE, settings, overwrite=force)
        _write_info(directory / "info")
    except OSError as error:
        raise CommandFailed(f'cannot create "{directory}": {error.strerror}') from None
    if not quiet:
        click.echo(f'Created a directory for worker "{name}" in {directory}.')
        click.echo(f"Describe the worker in {directory}/info/admin and {directory}/info/host.")
    return 0


def _write_settings(path: Path, settings: WorkerSettings, *, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        click.echo(f"Kept existing {path.name} (overwrite it with --force).")
        return
    values = {k: v for k, v in msgspec.to_builtins(settings).items() if v is not None}
    path.touch(mode=0o600)
    path.write_text("".join(f"{k} = {_toml(v)}\n" for k, v in values.items()))


def _toml(value: str | float) -> str:
    """Encode a value; JSON strings and numbers are valid TOML."""
    return msgspec.json.encode(value).decode()


def _write_info(directory: Path) -> None:
    texts = {
        "admin": f"{getpass.getuser()} <nobody@example.org>\n",
        "host": f"{platform.node()}: {platform.system()} {platform.release()}\n",
    }
    for name, text in texts.items():
        if not (directory / name).exists():
            (directory / name).write_text(text)


@click.group()
def worker() -> None:
    """Control a worker created with `create-worker`."""


def _not_yet(directory: Path) -> None:
    if not (directory / SETTINGS_FILE).exists():
        raise CommandFailed(
            f'"{directory}" is not a worker\'s directory: it has no {SETTINGS_FILE}. '
            f"To create one: chargehand create-worker {directory} HOST:PORT NAME PASSWORD"
        )
    raise CommandFailed(
        "workers on other machines are not supported yet; use worker.LocalWorker in master.cfg, "
        "which runs builds on the master's machine"
    )


_DIRECTORY = click.argument("directory", type=click.Path(path_type=Path), default=".")


@worker.command()
@_DIRECTORY
@click.option("--nodaemon", is_flag=True, help="Run in the foreground.")
def start(directory: Path, nodaemon: bool) -> None:
    """Start the worker in DIRECTORY."""
    _not_yet(directory)


@worker.command()
@_DIRECTORY
def stop(directory: Path) -> None:
    """Stop the worker in DIRECTORY."""
    _not_yet(directory)


@worker.command()
@_DIRECTORY
@click.option("--nodaemon", is_flag=True, help="Run in the foreground.")
def restart(directory: Path, nodaemon: bool) -> None:
    """Stop the worker in DIRECTORY and start it again."""
    _not_yet(directory)
