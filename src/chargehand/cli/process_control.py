"""`start`, `stop`, `restart`, `reconfig`: control the master of a directory from outside."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from chargehand.app.failure import CommandFailed
from chargehand.app.garbage import without_pauses
from chargehand.cli.basedir import Basedir, PidFile, open_basedir
from chargehand.cli.phrases import RECONFIGURE_ABORTED, RECONFIGURE_FAILED, RECONFIGURED

_DIRECTORY = click.argument("directory", type=click.Path(path_type=Path), default=".")
_QUIET = click.option("-q", "--quiet", is_flag=True, help="Say nothing unless something is wrong.")
_NODAEMON = click.option("--nodaemon", "--no-daemon", is_flag=True, help="Stay in the foreground.")
_CLEAN = click.option("--clean", "-c", is_flag=True, help="Wait until running builds have ended.")
_NO_WAIT = click.option("--no-wait", is_flag=True, help="Do not wait until the master has stopped.")
_TIMEOUT = click.option(
    "--start_timeout",
    "--start-timeout",
    type=float,
    default=lambda: float(os.environ.get("START_TIMEOUT", "120")),
    show_default="120, or $START_TIMEOUT",
    help="Seconds to wait until the master runs.",
)
_ALLOW_ANONYMOUS = click.option(
    "--allow-anonymous",
    is_flag=True,
    help="Serve everybody, though c['www'] has 'auth' or 'authz', which are not supported yet.",
)
_KILL_AFTER = 85.0
"""Seconds after which a master that does not stop is killed: its loop is blocked."""

_WARNING = "WARNING: "
_WARNINGS_SHOWN = 20
_PREFIX = re.compile(r"^[\d-]{10} [\d:.]{12} \[[\w.]+\] ")


@click.command()
@_DIRECTORY
@_NODAEMON
@_QUIET
@_TIMEOUT
@_ALLOW_ANONYMOUS
@click.pass_obj
def start(
    obj: dict[str, bool],
    directory: Path,
    nodaemon: bool,
    quiet: bool,
    start_timeout: float,
    allow_anonymous: bool,
) -> int:
    """Start the master of DIRECTORY, and return when it runs.

    Signals: HUP reads the configuration again; TERM stops (running builds go back to the queue);
    USR1 stops as soon as no build runs.
    """
    serving = _Serving(verbose=obj["verbose"], allow_anonymous=allow_anonymous)
    return _start(open_basedir(directory), nodaemon, quiet, start_timeout, serving)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Serving:
    """How a master is to run."""

    verbose: bool
    allow_anonymous: bool


def _start(basedir: Basedir, nodaemon: bool, quiet: bool, timeout: float, serving: _Serving) -> int:
    _refuse_if_running(basedir)
    if not basedir.config_path.exists():
        raise CommandFailed(
            f"there is no {basedir.config_path}. "
            f"Copy {basedir.config_path.name}.sample to it, and edit it."
        )
    if nodaemon:
        with without_pauses():  # What is imported stays, and is no garbage.
            from chargehand.cli.serve import serve
            from chargehand.cli.stopping import leave

        status = serve(
            basedir,
            terminal=True,
            verbose=serving.verbose,
            allow_anonymous=serving.allow_anonymous,
        )
        return leave(status)
    return _start_in_background(basedir, quiet, timeout, serving)


def _refuse_if_running(basedir: Basedir) -> None:
    running = PidFile(basedir.pid_path).running()
    if running is not None:
        raise CommandFailed(
            f"A master runs in {basedir.path} already (process {running}). "
            f"Stop it with: chargehand stop {basedir.path}"
        )


def _start_in_background(basedir: Basedir, quiet: bool, timeout: float, serving: _Serving) -> int:
    """Fork before anything heavy is imported; the child reports over a pipe when it runs."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _become_daemon(basedir, writer, serving)
    os.close(writer)
    os.waitpid(child, 0)
    report = _read_report(reader, timeout)
    if report is not None and report.startswith("ready"):
        if not quiet:
            _, urls, *warnings = report.split("\n")
            _show_warnings(warnings, basedir)
            click.echo(f"The master of {basedir.path} is running.")
            if urls:
                click.echo(f"The web server listens on {urls}")
        return 0
    if report is None:
        raise CommandFailed(
            f"The master did not say that it runs within {timeout:g} seconds; it may still be "
            f"starting. See {basedir.log_path}."
        )
    raise CommandFailed(report or f"The master ended while starting. See {basedir.log_path}.")


def _show_warnings(warnings: list[str], basedir: Basedir) -> None:
    for warning in warnings[:_WARNINGS_SHOWN]:
        click.secho(f"warning: {warning}", fg="yellow", err=True)
    if len(warnings) > _WARNINGS_SHOWN:
        more = len(warnings) - _WARNINGS_SHOWN
        click.secho(f"{more} more warnings are in {basedir.log_path}", fg="yellow", err=True)


def _become_daemon(basedir: Basedir, writer: int, serving: _Serving) -> None:
    """In the child: leave the terminal, run the master, and never return."""
    os.setsid()
    if os.fork():
        os._exit(0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    status = 1
    try:
        with without_pauses():  # What is imported stays, and is no garbage.
            from chargehand.cli.serve import serve

        status = serve(
            basedir,
            terminal=False,
            verbose=serving.verbose,
            allow_anonymous=serving.allow_anonymous,
            report=lambda text: _send_report(writer, text),
        )
    finally:
        os._exit(status)


def _send_report(writer: int, text: str) -> None:
    """A report of a failure ends with the process, so that nobody hears of it before that ends."""
    os.write(writer, text.encode())
    if text.startswith("ready"):
        os.close(writer)


def _read_report(reader: int, timeout: float) -> str | None:
    """Return what the child reported, "" if it ended without a word, None on time-out."""
    deadline = time.monotonic() + timeout
    text = b""
    while (left := deadline - time.monotonic()) > 0:
        if select.select([reader], [], [], left)[0]:
            data = os.read(reader, 65536)
            if not data:
                return text.decode()
            text += data
    return text.decode() if text else None


@click.command()
@_DIRECTORY
@_CLEAN
@_NO_WAIT
@_QUIET
def stop(directory: Path, clean: bool, no_wait: bool, quiet: bool) -> int:
    """Stop the master of DIRECTORY.

    Builds that run go back to the queue and run again after the next start; with --clean the master
    starts no more builds and stops when the last one has ended.

    Without --clean it always ends: code of the configuration that does not stop is abandoned, and
    a master that has not ended after 85 seconds is killed.
    """
    _stop(open_basedir(directory), clean, no_wait, quiet)
    return 0


def _stop(basedir: Basedir, clean: bool, no_wait: bool, quiet: bool) -> None:
    pid_file = PidFile(basedir.pid_path)
    running = pid_file.running()
    if running is None:
        if not quiet:
            click.echo(f"No master runs in {basedir.path}.")
        return
    is_alive = _watched(running)
    with contextlib.suppress(ProcessLookupError):  # It may end by itself at this moment.
        os.kill(running, signal.SIGUSR1 if clean else signal.SIGTERM)
    if no_wait:
        if not quiet:
            click.echo(f"Process {running} was told to stop.")
        return
    began = time.monotonic()
    is_told = quiet or clean
    while is_alive():
        time.sleep(0.02)
        waited = time.monotonic() - began
        if not is_told and waited > 10:
            is_told = True
            click.echo(f"Process {running} is still stopping; see {basedir.log_path}.")
        if not clean and waited > _KILL_AFTER:
            with contextlib.suppress(ProcessLookupError):
                os.kill(running, signal.SIGKILL)
            raise CommandFailed(
                f"Process {running} did not stop within {_KILL_AFTER:g} s and was killed; its "
                f"builds are retried after the next start. See {basedir.log_path} for what blocked "
                "it."
            )
    _until_collected(running)
    if not quiet:
        click.echo(f"The master of {basedir.path} has stopped (it was process {running}).")


def _watched(process: int) -> Callable[[], bool]:
    """Return what says whether a process is still there; its number may be used again."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return lambda: False
    except OSError:  # a kernel without
        return Path(f"/proc/{process}").exists
    return lambda: not select.select([handle], [], [], 0)[0]


def _until_collected(process: int) -> None:
    """Wait until the system, too, has forgotten a process that ended; for scripts that look."""
    deadline = time.monotonic() + 1.0
    while Path(f"/proc/{process}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)


@click.command()
@_DIRECTORY
@_CLEAN
@_NODAEMON
@_QUIET
@_TIMEOUT
@_ALLOW_ANONYMOUS
@click.pass_obj
def restart(
    obj: dict[str, bool],
    directory: Path,
    clean: bool,
    nodaemon: bool,
    quiet: bool,
    start_timeout: float,
    allow_anonymous: bool,
) -> int:
    """Stop the master of DIRECTORY if it runs, and start it."""
    basedir = open_basedir(directory)
    _stop(basedir, clean, no_wait=False, quiet=quiet)
    serving = _Serving(verbose=obj["verbose"], allow_anonymous=allow_anonymous)
    return _start(basedir, nodaemon, quiet, start_timeout, serving)


@click.command()
@_DIRECTORY
@_QUIET
@click.option(
    "--timeout", "--progress_timeout", type=float, default=120.0, help="Seconds to wait for it."
)
def reconfig(directory: Path, quiet: bool, timeout: float) -> int:
    """Make the master of DIRECTORY read its configuration again, and wait until it has.

    Only what changed is touched. With a broken configuration the running one stays, and the
    errors are shown here.
    """
    basedir = open_basedir(directory)
    pid_file = PidFile(basedir.pid_path)
    running = pid_file.running()
    if running is None:
        raise CommandFailed(
            f"No master runs in {basedir.path}. Start it: chargehand start {basedir.path}"
        )
    if PidFile(basedir.pid_path).is_of_buildbot():
        raise CommandFailed(
            f"The master that runs in {basedir.path} (process {running}) is Buildbot's. "
            f"Stop it, and start ours: chargehand restart {basedir.path}"
        )
    place = basedir.log_path.stat().st_size
    try:
        os.kill(running, signal.SIGHUP)
    except ProcessLookupError:
        raise CommandFailed(f"the master has ended; see {basedir.log_path}") from None
    lines = []
    for line in _new_lines(basedir.log_path, place, timeout, pid_file):
        lines.append(line)
        if RECONFIGURED in line:
            if not quiet:
                warnings = [one for one in map(_without_prefix, lines) if one.startswith(_WARNING)]
                _show_warnings([one[len(_WARNING) :].rstrip() for one in warnings], basedir)
                click.echo(_without_prefix(line))
            return 0
        if RECONFIGURE_ABORTED in line or RECONFIGURE_FAILED in line:
            raise CommandFailed("".join(map(_without_prefix, lines)).rstrip())
    if pid_file.running() is None:
        raise CommandFailed(f"the master has ended; see {basedir.log_path}")
    raise CommandFailed(f"no answer within {timeout:g} seconds; see {basedir.log_path}")


def _new_lines(path: Path, place: int, timeout: float, pid_file: PidFile) -> Iterator[str]:
    deadline = time.monotonic() + timeout
    with path.open(encoding="utf-8", errors="replace") as file:
        file.seek(place)
        partial = ""
        while time.monotonic() < deadline:
            is_running = pid_file.running() is not None
            partial += file.readline()
            if partial.endswith("\n"):
                yield partial
                partial = ""
            elif not is_running:
                return
            else:
                time.sleep(0.02)


def _without_prefix(line: str) -> str:
    """Cut date, time and logger off a line of the log; the lines of a long message have none."""
    return _PREFIX.sub("", line)
