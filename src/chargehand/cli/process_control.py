"""`start`, `stop`, `restart`, `reconfig`: control the master of a directory from outside."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import msgspec

from chargehand.app.failure import CommandFailed
from chargehand.cli.basedir import Basedir, PidFile, open_basedir
from chargehand.cli.log_lines import new_lines, without_level, without_prefix
from chargehand.cli.phrases import (
    NOT_RUNNING,
    RECONFIGURE_ABORTED,
    RECONFIGURE_FAILED,
    RECONFIGURED,
)
from chargehand.cli.started_report import StartedReport
from chargehand.kit.pauses import without_pauses
from chargehand.kit.values import replace

_DIRECTORY = click.argument("directory", type=click.Path(path_type=Path), default=".")
_QUIET = click.option(
    "-q", "--quiet", is_flag=True, help="Print nothing unless something is wrong."
)
_NODAEMON = click.option("--nodaemon", "--no-daemon", is_flag=True, help="Run in the foreground.")
_CLEAN = click.option("--clean", "-c", is_flag=True, help="Wait for running builds to finish.")
_NO_WAIT = click.option(
    "--no-wait", is_flag=True, help="Return without waiting for the master to stop."
)
_TIMEOUT = click.option(
    "--start_timeout",
    "--start-timeout",
    type=float,
    default=lambda: float(os.environ.get("START_TIMEOUT", "120")),
    show_default="120, or $START_TIMEOUT",
    help="Seconds to wait for the master to be up.",
)
_LOG_FORMAT = click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default=None,
    help="How master.log is written; json: an object per line.",
)
_KILL_AFTER = 85.0
"""Seconds after which a master that has not stopped is killed: its loop is blocked."""

PARTLY_RUNNING = 3
"""The exit status when the master runs, and a part of its configuration does not."""

_WARNING = "WARNING: "
_WARNINGS_SHOWN = 20


@click.command()
@_DIRECTORY
@_NODAEMON
@_QUIET
@_TIMEOUT
@_LOG_FORMAT
@click.pass_obj
def start(
    obj: dict[str, bool],
    directory: Path,
    nodaemon: bool,
    quiet: bool,
    start_timeout: float,
    log_format: str | None,
) -> int:
    """Start the master in DIRECTORY, and return once it is up.

    Signals: HUP reloads the configuration; TERM stops the master (running builds are returned to
    the queue); USR1 stops it once all running builds have finished.
    """
    serving = _Serving(verbose=obj["verbose"])
    basedir = _logging_as(log_format, open_basedir(directory))
    return _start(basedir, nodaemon, quiet, start_timeout, serving)


def _logging_as(log_format: str | None, basedir: Basedir) -> Basedir:
    """Return the directory with the format that was asked for; else with that of its settings."""
    return basedir if log_format is None else replace(basedir, log_format=log_format)


class _Serving(msgspec.Struct, frozen=True, kw_only=True):
    """How to run a master."""

    verbose: bool


def _start(basedir: Basedir, nodaemon: bool, quiet: bool, timeout: float, serving: _Serving) -> int:
    _refuse_if_running(basedir)
    if not basedir.config_path.exists():
        raise CommandFailed(
            f'configuration file "{basedir.config_path}" does not exist. '
            f"Copy {basedir.config_path.name}.sample to it, and edit it."
        )
    if nodaemon:
        with without_pauses():  # Imported modules are not garbage.
            from chargehand.cli.serve import serve
            from chargehand.cli.stopping import leave

        status = serve(
            basedir,
            terminal=True,
            verbose=serving.verbose,
        )
        return leave(status)
    return _start_in_background(basedir, quiet, timeout, serving)


def _refuse_if_running(basedir: Basedir) -> None:
    running = PidFile(basedir.pid_path).running()
    if running is not None:
        raise CommandFailed(
            f"A master is already running in {basedir.path} (process {running}). "
            f"To stop it: chargehand stop {basedir.path}"
        )


def _start_in_background(basedir: Basedir, quiet: bool, timeout: float, serving: _Serving) -> int:
    """Fork before importing anything heavy; the child reports over a pipe once it is up."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _become_daemon(basedir, writer, serving)
    os.close(writer)
    os.waitpid(child, 0)
    report = _read_report(reader, timeout)
    if report is not None and (started := StartedReport.read(report)) is not None:
        if not quiet:
            _show_warnings(list(started.warnings), basedir)
            but = f", but not all of it ({len(started.failed)} failed)" if started.failed else ""
            click.echo(f"The master in {basedir.path} is running{but}.")
            if started.urls:
                click.echo(f"The web server listens on {started.urls}")
        return _show_failed_parts(started.failed, basedir)
    if report is None:
        raise CommandFailed(
            f"The master did not report being up within {timeout:g} s; it may still be starting. "
            f"See {basedir.log_path}."
        )
    raise CommandFailed(report or f"The master exited while starting. See {basedir.log_path}.")


def _show_warnings(warnings: list[str], basedir: Basedir) -> None:
    for warning in warnings[:_WARNINGS_SHOWN]:
        click.secho(f"warning: {warning}", fg="yellow", err=True)
    if len(warnings) > _WARNINGS_SHOWN:
        more = len(warnings) - _WARNINGS_SHOWN
        click.secho(f"{more} more warnings are in {basedir.log_path}", fg="yellow", err=True)


def _show_failed_parts(sentences: Sequence[str], basedir: Basedir) -> int:
    """Show which parts of the master do not run; return the exit status."""
    for sentence in sentences[:_WARNINGS_SHOWN]:
        click.secho(f"error: {sentence}", fg="red", err=True)
    if not sentences:
        return 0
    more = len(sentences) - _WARNINGS_SHOWN
    others = f"{more} more parts failed. " if more > 0 else ""
    click.secho(
        f"{others}Everything else is running. See {basedir.log_path} for details; correct the "
        f"cause, and then run: chargehand reconfig {basedir.path}",
        fg="red",
        err=True,
    )
    return PARTLY_RUNNING


def _become_daemon(basedir: Basedir, writer: int, serving: _Serving) -> None:
    """In the child: detach from the terminal, run the master, and never return."""
    os.setsid()
    if os.fork():
        os._exit(0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    status = 1
    try:
        with without_pauses():  # Imported modules are not garbage.
            from chargehand.cli.serve import serve

        status = serve(
            basedir,
            terminal=False,
            verbose=serving.verbose,
            report=lambda text: _send_report(writer, text),
        )
    finally:
        os._exit(status)


def _send_report(writer: int, text: str) -> None:
    """Report; a failure is complete only when the process has exited, so it keeps the pipe open."""
    os.write(writer, text.encode())
    if StartedReport.read(text) is not None:
        os.close(writer)


def _read_report(reader: int, timeout: float) -> str | None:
    """Return what the child reported, "" if it exited without a report, None on time-out."""
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
    """Stop the master in DIRECTORY.

    Running builds are returned to the queue and retried after the next start; with --clean the
    master starts no more builds and stops once the last one has finished.

    Without --clean the master always stops: configuration code that does not stop is abandoned,
    and a master that has not stopped after 85 seconds is killed.
    """
    _stop(open_basedir(directory), clean, no_wait, quiet)
    return 0


def _stop(basedir: Basedir, clean: bool, no_wait: bool, quiet: bool) -> None:
    pid_file = PidFile(basedir.pid_path)
    running = pid_file.running()
    if running is None:
        if not quiet:
            click.echo(f"No master is running in {basedir.path}.")
        return
    is_alive = _watched(running)
    with contextlib.suppress(ProcessLookupError):  # It may be exiting right now.
        os.kill(running, signal.SIGUSR1 if clean else signal.SIGTERM)
    if no_wait:
        if not quiet:
            click.echo(f"Stopping the master in {basedir.path} (process {running}).")
        return
    began = time.monotonic()
    is_reported = quiet or clean
    while is_alive():
        time.sleep(0.02)
        waited = time.monotonic() - began
        if not is_reported and waited > 10:
            is_reported = True
            click.echo(f"Process {running} is still stopping; see {basedir.log_path}.")
        if not clean and waited > _KILL_AFTER:
            with contextlib.suppress(ProcessLookupError):
                os.kill(running, signal.SIGKILL)
            raise CommandFailed(
                f"Process {running} did not stop within {_KILL_AFTER:g} s and was killed; its "
                "builds will be retried after the next start. "
                f"See {basedir.log_path} for what blocked it."
            )
    _until_collected(running)
    if not quiet:
        click.echo(f"Stopped the master in {basedir.path} (process {running}).")


def _watched(process: int) -> Callable[[], bool]:
    """Return a function that returns whether the process is alive, safe against reuse of its id."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return lambda: False
    except OSError:  # a kernel without
        return Path(f"/proc/{process}").exists
    return lambda: not select.select([handle], [], [], 0)[0]


def _until_collected(process: int) -> None:
    """Wait until the process has left /proc, for scripts that look there."""
    deadline = time.monotonic() + 1.0
    while Path(f"/proc/{process}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)


@click.command()
@_DIRECTORY
@_CLEAN
@_NODAEMON
@_QUIET
@_TIMEOUT
@_LOG_FORMAT
@click.pass_obj
def restart(
    obj: dict[str, bool],
    directory: Path,
    clean: bool,
    nodaemon: bool,
    quiet: bool,
    start_timeout: float,
    log_format: str | None,
) -> int:
    """Stop the master in DIRECTORY if it is running, and start it."""
    basedir = _logging_as(log_format, open_basedir(directory))
    _stop(basedir, clean, no_wait=False, quiet=quiet)
    serving = _Serving(verbose=obj["verbose"])
    return _start(basedir, nodaemon, quiet, start_timeout, serving)


@click.command()
@_DIRECTORY
@_QUIET
@click.option(
    "--timeout",
    "--progress_timeout",
    type=float,
    default=120.0,
    help="Seconds to wait for the reload.",
)
def reconfig(directory: Path, quiet: bool, timeout: float) -> int:
    """Reload the configuration of the master in DIRECTORY, and wait until it is in force.

    Only what changed is touched. If the new configuration has errors, they are shown here and the
    running configuration stays in force.
    """
    basedir = open_basedir(directory)
    pid_file = PidFile(basedir.pid_path)
    running = pid_file.running()
    if running is None:
        raise CommandFailed(
            f"No master is running in {basedir.path}. To start it: chargehand start {basedir.path}"
        )
    if PidFile(basedir.pid_path).is_of_buildbot():
        raise CommandFailed(
            f"The master running in {basedir.path} (process {running}) is Buildbot's. "
            f"To replace it with Chargehand: chargehand restart {basedir.path}"
        )
    place = basedir.log_path.stat().st_size
    try:
        os.kill(running, signal.SIGHUP)
    except ProcessLookupError:
        raise CommandFailed(f"The master has exited. See {basedir.log_path}.") from None
    lines = []
    for line in new_lines(basedir.log_path, place, timeout, pid_file):
        lines.append(line)
        if RECONFIGURED in line:
            if not quiet:
                warnings = [one for one in map(without_prefix, lines) if one.startswith(_WARNING)]
                _show_warnings([one[len(_WARNING) :].rstrip() for one in warnings], basedir)
                click.echo(without_prefix(line))
            failed = [without_level(one) for one in lines if NOT_RUNNING in one]
            return _show_failed_parts(failed, basedir)
        if RECONFIGURE_ABORTED in line or RECONFIGURE_FAILED in line:
            raise CommandFailed("".join(map(without_prefix, lines)).rstrip())
    if pid_file.running() is None:
        raise CommandFailed(f"The master has exited. See {basedir.log_path}.")
    raise CommandFailed(
        f"The master did not finish reloading within {timeout:g} s. See {basedir.log_path}."
    )
