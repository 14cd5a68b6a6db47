"""`tryserver`: put a job that comes over SSH into the directory of a Try_Jobdir scheduler."""

from __future__ import annotations

import os
import sys
import time
import uuid
from pathlib import Path

import click

from chargehand.app.failure import CommandFailed


@click.command()
@click.option(
    "--jobdir", required=True, type=click.Path(path_type=Path), help="The scheduler's jobdir."
)
def tryserver(jobdir: Path) -> int:
    """Put the job that is read from stdin into a directory.

    `buildbot try --connect=ssh` calls it; the program's name is its option --buildbotbin.
    """
    job = sys.stdin.buffer.read()
    name = f"{time.time():.6f}.{os.getpid()}.{uuid.uuid4().hex}"
    try:
        with (jobdir / "tmp" / name).open("xb") as file:
            file.write(job)
            file.flush()
            os.fsync(file.fileno())
        (jobdir / "tmp" / name).replace(jobdir / "new" / name)
    except OSError as error:
        raise CommandFailed(f"cannot put the job into {jobdir}: {error}") from None
    return 0
