"""`create-worker` and `worker`: what `chargehand-worker` does, for machines that have both."""

from __future__ import annotations

import runpy
import sys

import click

_AS_IT_IS = {"ignore_unknown_options": True, "help_option_names": []}


@click.command("create-worker", context_settings=_AS_IT_IS)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def create_worker(arguments: tuple[str, ...]) -> None:
    """Create a directory for a worker, as `chargehand-worker create-worker` does."""
    _run("create-worker", *arguments)


@click.command("worker", context_settings=_AS_IT_IS)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def worker(arguments: tuple[str, ...]) -> None:
    """Start, stop or restart a worker, as `chargehand-worker` does."""
    _run(*arguments)


def _run(*arguments: str) -> None:
    """Become the other program, which is independent of this one."""
    sys.argv[:] = ["chargehand-worker", *arguments]
    runpy.run_module("chargehand_worker", run_name="__main__")
