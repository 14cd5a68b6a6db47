"""`demo`: a master and a worker building a sample repository."""

from __future__ import annotations

import asyncio
import logging
import shlex
import shutil
import signal
import socket
import tempfile
from importlib import resources
from pathlib import Path

import click
from rich.console import Console

from chargehand.app.extension import described
from chargehand.app.failure import CommandFailed
from chargehand.app.master import Master
from chargehand.cli.basedir import open_basedir
from chargehand.cli.git import create_repository
from chargehand.cli.live import LiveView
from chargehand.cli.log_output import log_to
from chargehand.config.errors import ConfigErrors
from chargehand.domain.result import Result
from chargehand.kit.tasks import Tasks

_log = logging.getLogger("chargehand.demo")


@click.command()
@click.option(
    "-d",
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to keep the master and the repository. Default: a temporary directory.",
)
@click.option(
    "-p",
    "--port",
    type=int,
    default=8010,
    help="Port of the web pages; if taken, the next free one.",
)
@click.option(
    "--once", is_flag=True, help="Stop after the first build; its result is the exit status."
)
def demo(directory: Path | None, port: int, once: bool) -> int:
    """Run a master that builds a sample repository.

    Runs a first build, then waits for your commits. Stop it with Ctrl-C.
    """
    place = directory.resolve() if directory else Path(tempfile.mkdtemp(prefix="chargehand-demo-"))
    try:
        _prepare(place, _free_port(port))
        return asyncio.run(_show(place, once))
    except ConfigErrors as errors:
        raise CommandFailed(described(errors, place / "master" / "master.cfg")) from None
    finally:
        if directory is None:
            shutil.rmtree(place, ignore_errors=True)


def _prepare(place: Path, port: int) -> None:
    templates = resources.files("chargehand.cli").joinpath("templates")
    repository, master = place / "sample", place / "master"
    if not repository.exists():
        sample = templates.joinpath("sample")
        files = {f.name: f.read_text() for f in sample.iterdir() if f.is_file()}
        create_repository(repository, files)
    master.mkdir(parents=True, exist_ok=True)
    text = templates.joinpath("demo.cfg").read_text()
    text = text.replace("@REPOSITORY@", repr(str(repository))).replace("@PORT@", str(port))
    (master / "master.cfg").write_text(text)


def _free_port(first: int) -> int:
    for port in range(first, first + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return first


async def _show(place: Path, once: bool) -> int:
    console = Console(highlight=False)
    console.print("[bold]Chargehand[/]: starting a master with one local worker …")
    basedir = open_basedir(place / "master")
    log_to(basedir, terminal=False)
    master = Master(basedir=basedir.path, config_path=basedir.config_path)
    tasks = Tasks("demo")
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        await master.start()
        view = LiveView(
            console=console,
            bus=master.bus,
            read_lines=master.read_lines,
            builder_name=master.builder_name,
        )
        tasks.spawn(view.run(), name="live view")
        await master.force("force", {"builderNames": ["tests"], "reason": "the first build"})
        first = tasks.spawn(view.next_finished(), name="first build")
        waiting = tasks.spawn(ended.wait(), name="wait for Ctrl-C")
        await asyncio.wait([first, waiting], return_when=asyncio.FIRST_COMPLETED)
        if first.done() and once:
            return 0 if first.result().result in (Result.SUCCESS, Result.WARNINGS) else 1
        if not ended.is_set():
            _tell_what_next(console, place, master.config.url)
            await ended.wait()
        return 0
    finally:
        await tasks.close()
        console.print("Stopping …")
        await master.stop()


def _tell_what_next(console: Console, place: Path, url: str) -> None:
    console.print()
    console.print(f"  [bold green]See it in the browser:[/] {url}")
    console.print("  [bold]Commit something and watch it build:[/]")
    where = shlex.quote(str(place / "sample"))
    command = f"    cd {where} && echo 1.1 > VERSION && git commit -am 'Version 1.1'"
    console.print(command, markup=False, soft_wrap=True)  # to be copied
    console.print("  [bold]Ctrl-C[/] stops the demo.")
    console.print()
