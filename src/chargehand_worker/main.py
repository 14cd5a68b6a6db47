"""The command line of the agent."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, Optional, Union

from chargehand_worker.guard import split_off_agent, split_off_agents
from chargehand_worker.lock_file import take_lock
from chargehand_worker.system_text import reason_of

_ALREADY_RUNS = 75
_INTERNAL = ("local", "link", "agent")
_FINAL = (0, 69)
"""Exit codes of agents that are not to be started again: told to end; gave up."""


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Run what the command line says."""
    words = sys.argv[1:] if arguments is None else arguments
    is_internal = words[:1] and words[0] in _INTERNAL
    options = (_internal_line() if is_internal else command_line()).parse_args(words)
    commands = {
        "create-worker": _create,
        "local": _run_local,
        "link": _run_link,
        "agent": _run_agent,
    }
    if (run := commands.get(options.kind)) is not None:
        run(options)
    else:
        _control(options)


def command_line() -> argparse.ArgumentParser:
    """Return what knows the commands and their options."""
    parser = argparse.ArgumentParser(
        prog="chargehand-worker", description="Runs commands for a Chargehand master."
    )
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="COMMAND")
    _add_create(kinds)
    for name, what in (("start", "Start"), ("restart", "Stop and start")):
        command = kinds.add_parser(name, help=f"{what} the worker in a directory.")
        command.add_argument("directory", nargs="?", default=".", metavar="DIR")
        command.add_argument("--nodaemon", action="store_true", help="Run in the foreground.")
    command = kinds.add_parser("stop", help="Stop the worker in a directory.")
    command.add_argument("directory", nargs="?", default=".", metavar="DIR")
    return parser


def _internal_line() -> argparse.ArgumentParser:
    """Return what knows the commands that only programs use, and people need not see."""
    parser = argparse.ArgumentParser(prog="chargehand-worker")
    kinds = parser.add_subparsers(dest="kind", required=True)
    _add_local(kinds)
    _add_link(kinds)
    agent = kinds.add_parser("agent")  # For guards only, where they cannot fork.
    agent.add_argument("directory", type=Path)
    return parser


class _Version(argparse.Action):
    """Looks the version up when it is asked for: that takes longer than the rest."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print it and exit."""
        from chargehand_worker.facts import version

        parser.exit(message=f"{parser.prog} {version()}\n")


def _add_create(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    create = kinds.add_parser("create-worker", help="Create a directory for a worker.")
    add = create.add_argument
    add("directory", metavar="DIR", help="the directory to create")
    add("master", metavar="URL", help="the master's address, as in a browser")
    add("name", metavar="NAME", help="the worker's name in the master's configuration")
    add("password", metavar="PASSWORD", help="- reads it from standard input")
    add("-f", "--force", action="store_true", help="overwrite an existing worker.toml")
    add("-q", "--quiet", action="store_true", help="print nothing")
    _add_connecting(create)
    _add_commands(create)


def _add_connecting(create: argparse.ArgumentParser) -> None:
    add = create.add_argument_group("connecting").add_argument
    seconds, file = "SECONDS", "FILE"
    what = "silence after which the worker pings the master (10)"
    add("-k", "--keepalive", type=float, metavar=seconds, help=what)
    what = "longest pause between attempts to connect (60)"
    add("--maxdelay", type=float, metavar=seconds, help=what)
    add("--maxretries", type=int, metavar="N", help="exit after N failed attempts in a row (never)")
    what = 'HTTP proxy to connect through; "" for none (as http_proxy and https_proxy say)'
    add("--proxy", metavar="URL", help=what)
    add("--ca-file", metavar=file, help="the authority that signed the master's certificate")
    add("--certificate", metavar=file, help="the worker's own certificate")
    add("--key", metavar=file, help="the key of the worker's certificate")
    what = "SIGHUP, or touching shutdown.stamp, asks for a graceful shutdown"
    add("--allow-shutdown", choices=("signal", "file"), help=what)


def _add_commands(create: argparse.ArgumentParser) -> None:
    add = create.add_argument_group("commands").add_argument
    what = "seconds that commands continue without a connection (600)"
    add("--patience", type=float, metavar="SECONDS", help=what)
    what = "output that is kept on disk without a connection (1024)"
    add("--spool", type=int, metavar="MIB", help=what)
    what = "additional variable or pattern that commands inherit; * for all; may be repeated"
    add("--inherit-environment", action="append", metavar="NAME", help=what)
    add("--umask", metavar="MODE", help="umask of builds' files, 022 for example")
    add("--numcpus", type=int, metavar="N", help="processors that builds may use")
    what = "delete directories that no builder uses"
    add("--delete-leftover-dirs", action="store_true", default=None, help=what)


def _add_local(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    local = kinds.add_parser("local")  # For masters only, which start it.
    local.add_argument("--door", type=Path, required=True, help="the master's socket")
    local.add_argument("--lock", type=Path, required=True, help="locked while the worker is alive")
    local.add_argument("--name", required=True, help="the worker's name")
    local.add_argument("--basedir", type=Path, required=True, help="where it works")
    local.add_argument(
        "--patience", type=float, required=True, help="seconds that it continues without a master"
    )
    local.add_argument(
        "--keep-from-commands",
        action="append",
        default=[],
        metavar="NAME",
        help="a variable of its environment that commands do not get",
    )


def _add_link(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    link = kinds.add_parser("link")  # For agents only, which start it.
    link.add_argument("--control", type=int, required=True)
    link.add_argument("directory", type=Path)


def _run_local(options: argparse.Namespace) -> None:
    basedir = _absolute(options.basedir)
    basedir.mkdir(parents=True, exist_ok=True)
    try:
        take_lock(options.lock)
    except BlockingIOError:
        print(
            f"worker {options.name} is already running: {options.lock} is locked", file=sys.stderr
        )
        sys.exit(_ALREADY_RUNS)
    guard = os.getpid()
    split_off_agent(options.patience)
    # Imported here, in the agent, so that its guard does not carry them.
    from chargehand_worker.agent import run_agent

    run_agent(
        door=options.door,
        name=options.name,
        basedir=basedir,
        patience=options.patience,
        guard=guard,
        hidden=options.keep_from_commands,
    )


def _run_agent(options: argparse.Namespace) -> None:
    from chargehand_worker.remote_agent import run_remote_agent
    from chargehand_worker.settings import read_settings

    run_remote_agent(options.directory, read_settings(options.directory), guard=None)


def _run_link(options: argparse.Namespace) -> None:
    from chargehand_worker.remote_agent import log_to_standard_error
    from chargehand_worker.remote_link import link_main
    from chargehand_worker.settings import read_settings

    log_to_standard_error()
    link_main(read_settings(options.directory), options.control)


def _create(options: argparse.Namespace) -> None:
    from chargehand_worker.creating import create_worker
    from chargehand_worker.settings import BadSettings, WorkerSettings

    given = vars(options)
    names = {name for name in WorkerSettings.__dataclass_fields__ if given.get(name) is not None}
    values = {name: given[name] for name in names}
    if values["password"] == "-":
        values["password"] = sys.stdin.readline().rstrip("\n")
    if values.get("inherit_environment") == ["*"]:
        values["inherit_environment"] = True
    directory = _absolute(options.directory)
    try:
        for name in ("ca_file", "certificate", "key"):
            if values.get(name):
                values[name] = str(_absolute(values[name]))
        told = create_worker(directory, WorkerSettings(**values), overwrite=options.force)
    except BadSettings as error:
        _fail(str(error))
    except OSError as error:
        _fail(f'cannot create "{directory}": {error.strerror}')
    if not options.quiet:
        print("\n".join(told))


def _control(options: argparse.Namespace) -> None:
    from chargehand_worker import daemon
    from chargehand_worker.settings import BadSettings, read_settings

    directory = _absolute(options.directory)
    try:
        if options.kind == "stop":
            _stop(directory, _name_of(directory), is_all=True)
            return
        settings = read_settings(directory)
        if options.kind == "restart":
            _stop(directory, settings.name, is_all=False)
        _start(directory, is_foreground=options.nodaemon)
    except BadSettings as error:
        _fail(str(error))
    except daemon.AlreadyRuns:
        _fail(f"the worker in {directory} is running already")


def _name_of(directory: Path) -> str:
    """Return the name of a directory's worker; one that runs can be stopped without settings.

    Raises BadSettings.
    """
    from chargehand_worker import daemon
    from chargehand_worker.settings import BadSettings, read_settings

    try:
        return read_settings(directory).name
    except BadSettings:
        if daemon.process_of(directory) is None:
            raise
        return directory.name


def _stop(directory: Path, name: str, *, is_all: bool) -> None:
    from chargehand_worker import daemon

    try:
        daemon.stop(directory)
        print(f'worker "{name}" has stopped')
    except daemon.NotRunning:
        print(f'worker "{name}" is not running')
        if is_all:
            sys.exit(1)
    except TimeoutError as error:
        _fail(str(error))


def _start(directory: Path, *, is_foreground: bool) -> None:
    """Return in the agents, each of which runs to its end; exit with the last one's code."""
    from chargehand_worker import daemon
    from chargehand_worker.settings import read_settings

    try:
        lock = daemon.lock(directory)
        if not is_foreground and sys.platform == "win32":
            os.close(lock)
            daemon.run_detached(directory, read_settings(directory))
        elif not is_foreground:
            daemon.detach(directory, read_settings(directory), lock)
    except OSError as error:
        _fail(f"cannot start the worker in {directory}: {reason_of(error)}")
    if sys.platform == "win32":
        from chargehand_worker.child_guard import guard_child
        from chargehand_worker.program import program

        guard_child([*program(), "agent", str(directory)], _FINAL)
    guard = os.getpid()
    split_off_agents(_FINAL)
    from chargehand_worker.remote_agent import run_remote_agent

    run_remote_agent(directory, read_settings(directory), guard=guard)


def _absolute(path: Union[str, Path]) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - keep symbolic links


def _fail(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(1)
