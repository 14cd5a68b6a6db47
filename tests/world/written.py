"""Configurations of which only the interesting part is given, and worlds that have them."""

from __future__ import annotations

import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chargehand.testing.world import Outcome, World, usual_outcome, world

_HEAD = """\
from buildbot.plugins import *
from pathlib import Path
HERE = Path(__file__).parent
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local')]
c['builders'] = []
c['schedulers'] = []
c['www'] = {'port': 8010}
c['buildbotNetUsageData'] = None
c['collapseRequests'] = False

def add(name, *steps_, **more):
    more.setdefault('workernames', ['local'])
    c['builders'].append(util.BuilderConfig(name=name, factory=util.BuildFactory(steps_), **more))

def sh(script, **more):
    return steps.ShellCommand(command=['sh', '-c', script], **more)

def blocking(name, **more):
    '''Run until the test lets it go.'''
    return steps.ShellCommand(command=['block', name], name=name, **more)
"""

_FOOT = """
c['schedulers'].append(schedulers.ForceScheduler(
    name='force', builderNames=[
        one['name'] if isinstance(one, dict) else one.name for one in c['builders']],
    codebases=[util.CodebaseParameter('')]))
"""


def written(text: str) -> str:
    """Return a whole configuration of which this is the interesting part."""
    return _HEAD + textwrap.dedent(text) + _FOOT


@asynccontextmanager
async def started(text: str, path: Path | None = None) -> AsyncIterator[World]:
    """Start a world with a configuration of which this is the interesting part."""
    async with world(written(text), path=path, usual=_usual) as ci:
        yield ci


def _usual(line: str) -> Outcome:
    return Outcome(hangs=True) if line.startswith("block ") else usual_outcome(line)
