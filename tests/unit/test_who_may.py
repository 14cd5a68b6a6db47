"""``chargehand who-may``."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from chargehand.app.failure import CommandFailed
from chargehand.cli.who_may import who_may

_CONFIGURATION = """\
from buildbot.plugins import *
from buildbot.www.authz.roles import RolesFromBase
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local')]
c['builders'] = [
    util.BuilderConfig(name=name, workernames=['local'], factory=util.BuildFactory())
    for name in ('quick', 'secret')
]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['quick', 'secret'])]
class Rota(RolesFromBase):
    async def getRolesFromUser(self, userDetails):
        return ['admins'] if userDetails.get('username') == 'ann' else []
"""
_RULES = """
c['www'] = {'authz': util.Authz(
    [
        util.ViewBuildsEndpointMatcher(builder='sec*', role='staff'),
        util.StopBuildEndpointMatcher(role='owner', defaultDeny=False),
        util.ForceBuildEndpointMatcher('secret', role='staff'),
        util.AnyControlEndpointMatcher(role='admins'),
    ],
    [util.RolesFromGroups('org/'), util.RolesFromOwner('owner'),
     util.RolesFromEmails(admins=['ann@x'])],
)}
"""


def _said(directory: Path, *arguments: str, rules: str = _RULES) -> tuple[int, list[str]]:
    (directory / "master.cfg").write_text(_CONFIGURATION + rules)
    done = CliRunner().invoke(who_may, [*arguments, "--dir", str(directory)], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    status: int = done.return_value
    return status, done.output.splitlines()


@pytest.mark.parametrize(
    ("arguments", "status", "first"),
    [
        ("ann@x force quick", 0, "ann@x may force quick."),
        ("ann@x force secret", 1, "ann@x may not force secret."),
        ("joe force secret --groups org/staff", 0, "joe may force secret."),
        ("joe force quick --groups org/staff", 1, "joe may not force quick."),
        ("joe@x stop quick --owner joe@x", 0, "joe@x may stop quick."),
        ("joe@x stop quick --owner eve@x", 1, "joe@x may not stop quick."),
        ("joe stop quick --owner joe@x --email joe@x", 0, "joe may stop quick."),
        ("anonymous see secret", 1, "an anonymous visitor may not see secret."),
        ("anonymous see quick", 0, "an anonymous visitor may see quick."),
        ("anonymous see local", 0, "an anonymous visitor may see local."),
        ("joe pause local", 1, "joe may not pause local."),
        ("ann@x stop-worker local", 0, "ann@x may stop-worker local."),
        ("ann@x force", 0, "ann@x may force, perhaps: it depends on the builder."),
        ("joe force", 1, "joe may not force."),
    ],
)
def test_it_says_who_may_do_what(tmp_path: Path, arguments: str, status: int, first: str) -> None:
    found, lines = _said(tmp_path, *arguments.split())
    assert (found, lines[0]) == (status, first)


def test_it_shows_the_rules_up_to_the_one_that_decides(tmp_path: Path) -> None:
    _, lines = _said(tmp_path, "joe", "force", "secret", "--groups", "org/dev, other")
    assert lines == [
        "joe may not force secret.",
        "ForceBuildEndpointMatcher(builder='secret', role='staff') refuses it: the role is "
        "missing.",
        "Roles: dev.",
        "  ViewBuildsEndpointMatcher(builder='sec*', role='staff') is about something else",
        "  StopBuildEndpointMatcher(role='owner') is about something else",
        "  ForceBuildEndpointMatcher(builder='secret', role='staff') refuses it: the role is "
        "missing",
    ]


def test_json_has_the_same(tmp_path: Path) -> None:
    _, lines = _said(tmp_path, "ann@x", "enable", "--json")
    found = msgspec.json.decode(lines[0])
    assert found["is_allowed"] is True
    assert found["roles"] == ["admins"]
    assert found["rules"][-1]["rule"] == "AnyControlEndpointMatcher(role='admins')"


@pytest.mark.parametrize(("user", "status"), [("ann", 0), ("joe", 1)])
def test_users_own_roles_are_asked(tmp_path: Path, user: str, status: int) -> None:
    rules = "c['www'] = {'authz': util.Authz([util.AnyEndpointMatcher(role='admins')], [Rota()])}"
    for arguments in (("force", "quick"), ("see", "quick"), ("see",)):
        found, lines = _said(tmp_path, user, *arguments, rules=rules)
        assert found == status, lines


def test_without_rules_it_says_so(tmp_path: Path) -> None:
    assert _said(tmp_path, "anonymous", "stop", "quick", rules="")[0] == 0
    rules = "c['www'] = {'auth': util.UserPasswordAuth({'a': 'b' * 12})}"
    status, lines = _said(tmp_path, "anonymous", "stop", "quick", rules=rules)
    assert (status, lines[1]) == (1, "Log in first.")


def test_a_name_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r'no "sekret"\. Did you mean "secret"'):
        _said(tmp_path, "joe", "force", "sekret")


_GROUPS = """
c['projects'] = [util.Project(name='app')]
c['builders'] += [
    util.BuilderConfig(name=name, workernames=['local'], factory=util.BuildFactory(),
                       project='app', tags=tags)
    for name, tags in (('app-1', ['nightly', 'quick']), ('app-2', ['nightly']))
]
c['schedulers'].append(schedulers.ForceScheduler(name='apps', builderNames=['app-1', 'app-2']))
c['www'] = {'authz': util.Authz(
    [
        util.ViewBuildsEndpointMatcher(builder='app-2', role='staff'),
        util.ForceBuildEndpointMatcher('app-*', role='staff'),
        util.EnableSchedulerEndpointMatcher(role='staff'),
        util.AnyControlEndpointMatcher(role='admins'),
    ],
    [util.RolesFromGroups('org/'), util.RolesFromEmails(admins=['ann@x'])],
)}
"""


@pytest.mark.parametrize(
    ("arguments", "status", "first"),
    [
        ("joe see app", 1, 'joe may see 1 of the 2 builders of the project "app".'),
        ("joe see project:app", 1, 'joe may see 1 of the 2 builders of the project "app".'),
        ("joe see nightly", 1, 'joe may see 1 of the 2 builders with the tag "nightly".'),
        ("joe see tag:quick", 0, 'joe may see the one builder with the tag "quick".'),
        ("joe see quick", 0, "joe may see quick."),
        ("joe see builder:quick", 0, "joe may see quick."),
        ("joe see worker:local", 0, "joe may see local."),
        ("joe see app --groups org/staff", 0, 'joe may see all 2 builders of the project "app".'),
        ("joe force app", 1, 'joe may force none of the 2 builders of the project "app".'),
        (
            "joe force app --groups org/staff",
            0,
            'joe may force all 2 builders of the project "app".',
        ),
        ("joe enable apps", 1, "joe may not enable apps."),
        ("joe enable scheduler:apps --groups org/staff", 0, "joe may enable apps."),
    ],
)
def test_projects_tags_and_schedulers_are_things_too(
    tmp_path: Path, arguments: str, status: int, first: str
) -> None:
    found, lines = _said(tmp_path, *arguments.split(), rules=_GROUPS)
    assert (found, lines[0]) == (status, first)


def test_each_builder_of_a_project_is_explained(tmp_path: Path) -> None:
    _, lines = _said(tmp_path, "joe", "see", "app", rules=_GROUPS)
    assert lines[1:] == [
        "Roles: none.",
        "  app-1: yes. No rule refuses it, and what no rule refuses is allowed.",
        "  app-2: no. ViewBuildsEndpointMatcher(builder='app-2', role='staff') refuses it: the "
        "role is missing.",
    ]
    status, lines = _said(tmp_path, "joe", "see", "app", "--json", rules=_GROUPS)
    answer = msgspec.json.decode(lines[0])
    assert (status, answer["is_allowed"]) == (1, False)
    assert [one["is_allowed"] for one in answer["builders"].values()] == [True, False]
    with pytest.raises(CommandFailed, match=r'no "scheduler:ap"'):
        _said(tmp_path, "joe", "enable", "scheduler:ap", rules=_GROUPS)
    with pytest.raises(CommandFailed, match=r'Did you mean "nightly"'):
        _said(tmp_path, "joe", "see", "nightli", rules=_GROUPS)
