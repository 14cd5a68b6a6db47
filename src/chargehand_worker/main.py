"""The command line of the agent."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from chargehand_worker.guard import split_off_agent, take_lock

_ALREADY_RUNS = 75


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the agent as the command line says."""
    parser = argparse.ArgumentParser(
        prog="chargehand-worker", description="Runs commands for a Chargehand master."
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    local = kinds.add_parser("local", help="serve the master of this machine")
    local.add_argument("--door", type=Path, required=True, help="the master's socket")
    local.add_argument("--lock", type=Path, required=True, help="locked while the worker is alive")
    local.add_argument("--name", required=True, help="the worker's name")
    local.add_argument("--basedir", type=Path, required=True, help="where it works")
    local.add_argument(
        "--patience", type=float, required=True, help="seconds that it goes on without a master"
    )
    local.add_argument(
        "--keep-from-commands",
        action="append",
        default=[],
        metavar="NAME",
        help="a variable of its environment that commands do not get",
    )
    options = parser.parse_args(arguments)
    basedir = Path(os.path.abspath(options.basedir))  # noqa: PTH100 - keep symbolic links
    basedir.mkdir(parents=True, exist_ok=True)
    try:
        take_lock(options.lock)
    except BlockingIOError:
        print(f"worker {options.name} already runs: {options.lock} is locked", file=sys.stderr)
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
