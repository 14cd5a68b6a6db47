"""``c['www']``: what holds when nothing is said."""

from __future__ import annotations

from pathlib import Path

from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.views.surroundings import Surroundings
from chargehand.config.model import WebConfig

_CONFIGURATION = """\
from buildbot.plugins import *
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local')]
c['builders'] = [util.BuilderConfig(name='b', workernames=['local'], factory=util.BuildFactory())]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['b'])]
"""


def _web(directory: Path, more: str) -> WebConfig:
    path = directory / "master.cfg"
    path.write_text(_CONFIGURATION + more)
    return Reader(Document(path, directory), Surroundings()).read().web


def test_pages_of_other_sites_may_not_use_the_api_unless_they_are_allowed(tmp_path: Path):
    assert _web(tmp_path, "c['www'] = {'port': 8010}").allowed_origins == ()
    allowed = _web(tmp_path, "c['www'] = {'port': 8010, 'allowed_origins': ['https://x.org']}")
    assert allowed.allowed_origins == ("https://x.org",)
