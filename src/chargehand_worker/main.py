"""The command line of the agent."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from chargehand_worker.guard import split_off_agent


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the agent as the command line says."""
    parser = argparse.ArgumentParser(
        prog="chargehand-worker", description="Runs commands for a Chargehand master."
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    local = kinds.add_parser("local", help="serve the master that started this process")
    local.add_argument("--fd", type=int, required=True, help="the inherited socket")
    local.add_argument("--name", required=True, help="the worker's name")
    local.add_argument("--basedir", type=Path, required=True, help="where it works")
    options = parser.parse_args(arguments)
    basedir = Path(os.path.abspath(options.basedir))  # noqa: PTH100 - keep symbolic links
    basedir.mkdir(parents=True, exist_ok=True)
    split_off_agent(options.fd)
    # Imported here, in the agent, so that its guard does not carry them.
    from chargehand_worker.agent import run_agent

    run_agent(options.fd, options.name, basedir)
