"""``c['www']``: what holds when nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.views.engine_access import EngineAccess
from chargehand.config.model import WebConfig
from chargehand.domain.user import ANONYMOUS, MASTER
from chargehand.resources.policy import Everybody, Visitor
from chargehand.resources.visibility import EVERYTHING

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
    return Reader(Document(path, directory), EngineAccess()).read().web


def test_pages_of_other_sites_may_not_use_the_api_unless_they_are_allowed(tmp_path: Path):
    assert _web(tmp_path, "c['www'] = {'port': 8010}").allowed_origins == ()
    allowed = _web(tmp_path, "c['www'] = {'port': 8010, 'allowed_origins': ['https://x.org']}")
    assert allowed.allowed_origins == ("https://x.org",)


@pytest.mark.parametrize(
    "www",
    ["'port': 8010", "'auth': auth.NoAuth()", "'auth': None, 'authz': None"],
)
def test_everybody_may_do_everything_where_nobody_configured_logging_in(tmp_path: Path, www: str):
    assert (
        _web(tmp_path, f"from buildbot.www import auth\nc['www'] = {{{www}}}").policy == Everybody()
    )


@pytest.mark.parametrize(
    ("www", "named"),
    [
        ("'auth': util.UserPasswordAuth({'u': 'p'})", "c['www']['auth'] is configured"),
        ("'authz': util.Authz()", "c['www']['authz'] is configured"),
        (
            "'auth': util.HTPasswdAuth('f'), 'authz': util.Authz()",
            "c['www']['auth'] and c['www']['authz'] are configured",
        ),
        ("'auth': auth.NoAuth(), 'authz': util.Authz()", "c['www']['authz'] is configured"),
    ],
)
def test_where_logging_in_or_permissions_are_configured_the_web_takes_no_orders(
    tmp_path: Path, www: str, named: str
):
    policy = _web(tmp_path, f"from buildbot.www import auth\nc['www'] = {{{www}}}").policy

    assert policy.visibility(ANONYMOUS) == EVERYTHING
    reason = policy.refusal(ANONYMOUS, "force", "forceschedulers/force") or ""
    assert reason.startswith(f"{named} but not supported yet")
    assert "remove" in reason
    assert Visitor(MASTER, policy).refusal("force", "forceschedulers/force") is None
