"""``c['www']['authz']`` as it is written, and asked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.reading.permissions import HostedRules
from buildbot._host.views.engine_access import EngineAccess
from chargehand.config.errors import ConfigErrors
from chargehand.config.model import MasterConfig
from chargehand.domain.user import ANONYMOUS, User
from chargehand.kit.hashed_passwords import hashed
from chargehand.resources.permissions import Rules
from chargehand.resources.policy import (
    AskingPolicy,
    Everybody,
    Facts,
    KnownPeople,
    Named,
    NoOrders,
    Policy,
)

_HEAD = """\
from buildbot.plugins import *
from twisted.internet import defer
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local')]
c['builders'] = [
    util.BuilderConfig(name=name, workernames=['local'], factory=util.BuildFactory())
    for name in ('b', 'secret')
]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['b', 'secret'])]
c['www'] = {'port': 8010, 'auth': util.UserPasswordAuth({'ann@x': 'p' * 12})}
"""
ANN = User(name="ann@x", email="ann@x", groups=("team-qa",))
BOB = User(name="bob@x", email="bob@x")


def _read(directory: Path, more: str) -> tuple[MasterConfig, EngineAccess]:
    path = directory / "master.cfg"
    path.write_text(_HEAD + more)
    access = EngineAccess()
    return Reader(Document(path, directory), access).read(), access


def _policy(directory: Path, authz: str) -> Policy:
    return _read(directory, f"c['www']['authz'] = {authz}\n")[0].web.policy


async def _refusal(policy: Policy, user: User, action: str, path: str, builder: str = "b") -> Any:
    facts = Facts(things=(Named(builder=builder),), owners=("bob@x",))
    return await policy.decision(user, action, path, facts)


async def test_what_the_manual_shows_is_read(tmp_path: Path):
    policy = _policy(
        tmp_path,
        """util.Authz(
    stringsMatcher=util.fnmatchStrMatcher,
    allowRules=[
        util.AnyEndpointMatcher(role="admins", defaultDeny=False),
        util.StopBuildEndpointMatcher(role="owner"),
        util.ForceBuildEndpointMatcher(builder="b*", role="qa"),
        util.RebuildBuildEndpointMatcher(role="qa"),
        util.EnableSchedulerEndpointMatcher(role="qa"),
        util.ViewBuildsEndpointMatcher(builder="secret", role="qa"),
        util.AnyControlEndpointMatcher(role="admins"),
    ],
    roleMatchers=[
        util.RolesFromEmails(admins=["root@x"]),
        util.RolesFromGroups(groupPrefix="team-"),
        util.RolesFromDomain(x=["X"]),
        util.RolesFromUsername(roles=["named"], usernames=["bob@x"]),
        util.RolesFromOwner(role="owner"),
    ],
)""",
    )

    assert isinstance(policy, Rules)
    assert policy.roles_of(ANN) == {"qa", "x"}
    assert policy.roles_of(BOB) == {"x", "named"}
    assert policy.roles_of(ANONYMOUS) == set()
    assert await _refusal(policy, ANN, "force", "forceschedulers/force") is None
    assert await _refusal(policy, BOB, "force", "forceschedulers/force") is not None
    assert await _refusal(policy, BOB, "stop", "builds/1") is None
    assert await _refusal(policy, ANN, "stop", "builds/1") is not None
    assert await _refusal(policy, ANN, "enable", "schedulers/1") is None
    assert await _refusal(policy, ANN, "pause", "workers/1") is not None
    assert not policy.visibility(BOB).builders.has("secret")
    assert policy.visibility(ANN).builders.has("secret")


def test_the_same_rules_are_no_change(tmp_path: Path):
    text = "util.Authz(allowRules=[util.AnyEndpointMatcher(role='a')], roleMatchers=[])"
    assert _policy(tmp_path, text) == _policy(tmp_path, text)
    assert _policy(tmp_path, text) != _policy(tmp_path, text.replace("'a'", "'b'"))


_OWN = """
from buildbot.www.authz import Authz, Forbidden
from buildbot.www.authz.endpointmatchers import EndpointMatcherBase, Match
from buildbot.www.authz.roles import RolesFromBase

class OnlyOwn(EndpointMatcherBase):
    @defer.inlineCallbacks
    def match_BuildEndpoint_stop(self, epobject, epdict, options):
        build = yield epobject.get({}, epdict)
        if build['number'] == 13:
            raise Forbidden('nobody stops this')
        return Match(self.master, build=build)

    async def match_WorkerEndpoint(self, epobject, epdict, options):
        return Match(self.master) if options.get('reason') == 'x' else None

class Named(RolesFromBase):
    def getRolesFromUser(self, userDetails, owner=None):
        if userDetails.get('username') == 'eve@x':
            raise RuntimeError('the roles of eve')
        return ['ann'] if userDetails.get('username') == 'ann@x' else []
"""


def _own(directory: Path, authz: str) -> HostedRules:
    config, access = _read(directory, f"{_OWN}\nc['www']['authz'] = {authz}\n")
    policy = config.web.policy
    assert isinstance(policy, HostedRules)

    async def get(path: tuple[str, ...]) -> dict[str, Any]:
        return {"builds": {"number": int(path[1])}}.get(path[0], {})

    access.master = SimpleNamespace(data=SimpleNamespace(get=get))
    return policy


async def test_users_own_matchers_decide(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    policy = _own(
        tmp_path,
        "util.Authz(allowRules=[OnlyOwn(role='ann'), util.ForceBuildEndpointMatcher(builder='b', "
        "role='ann'), util.AnyControlEndpointMatcher(role='admins')], roleMatchers=[Named(), "
        "util.RolesFromOwner(role='admins')])",
    )

    assert await _refusal(policy, ANN, "stop", "builds/1") is None
    assert await _refusal(policy, ANN, "stop", "builds/13") == "nobody stops this"
    assert "OnlyOwn" in await _refusal(policy, ANONYMOUS, "stop", "builds/1")
    assert await _refusal(policy, ANN, "force", "forceschedulers/f") is None
    assert "admins" in await _refusal(policy, ANN, "force", "forceschedulers/f", "secret")
    assert await _refusal(policy, BOB, "rebuild", "builds/1") is None  # It is bob's.
    assert "admins" in await _refusal(policy, ANN, "pause", "workers/1")
    eve = User(name="eve@x", email="eve@x")
    assert "the master's log says why" in await _refusal(policy, eve, "stop", "builds/1")
    assert "RuntimeError: the roles of eve" in caplog.text
    assert policy.refusal(eve, "stop", "builds/1") is None


async def test_a_class_of_rules_of_a_user_decides_by_itself(tmp_path: Path):
    config, access = _read(
        tmp_path,
        _OWN
        + """
class Own(Authz):
    def setMaster(self, master):
        super().setMaster(master)
        self.seen = []

    @defer.inlineCallbacks
    def assertUserAllowed(self, ep, action, options, userDetails):
        self.seen.append((ep, action))
        yield defer.succeed(None)
        for rule in self.allowRules:
            found = yield rule.match(ep, action, options)
            if found is not None and not self.match('admins', rule.role):
                raise Forbidden(b'no')

c['www']['authz'] = Own(allowRules=[util.StopBuildEndpointMatcher(builder='b', role='x')])
""",
    )
    access.master = SimpleNamespace()
    policy = config.web.policy

    assert await _refusal(policy, ANN, "stop", "builds/1") == "no"
    assert await _refusal(policy, ANN, "stop", "builds/1", "secret") is None
    assert await _refusal(policy, ANN, "rebuild", "builds/1") is None


@pytest.mark.parametrize(
    ("authz", "sentence"),
    [
        ("util.Authz(allowRules=['x'])", "is no endpoint matcher"),
        ("util.Authz(roleMatchers=['x'])", "is no role matcher"),
        ("util.Authz(allowed=[])", "has no argument 'allowed'"),
        ("{'allowRules': []}", "must be an object such as util.Authz"),
        (
            "util.Authz(allowRules=[util.AnyEndpointMatcher(role='(')], "
            "stringsMatcher=util.reStrMatcher)",
            "this regular expression cannot be used",
        ),
    ],
)
def test_nonsense_is_an_error(tmp_path: Path, authz: str, sentence: str):
    with pytest.raises(ConfigErrors) as refused:
        _policy(tmp_path, authz)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("authz", "sentence"),
    [
        (
            "util.Authz(allowRules=[util.ForceBuildEndpointMatcher(role='a')], "
            "roleMatchers=[util.RolesFromGroups()])",
            "everybody may do that; add util.AnyControlEndpointMatcher",
        ),
        ("util.Authz(allowRules=[util.AnyEndpointMatcher(role='a')])", "nobody has a role"),
        (
            "util.Authz(allowRules=[util.ViewBuildsEndpointMatcher(branch='x', role='a')], "
            "roleMatchers=[util.RolesFromGroups()])",
            "does not look at branches",
        ),
        (
            "util.Authz([util.StopBuildEndpointMatcher(role='admin'), "
            "util.AnyControlEndpointMatcher(role='admins')], "
            "[util.RolesFromEmails(admins=['ann@x']), util.RolesFromOwner('owner')])",
            "nobody can have the role \"admin\" of StopBuildEndpointMatcher(role='admin'): the "
            "roleMatchers give admins, owner only",
        ),
        (
            "util.Authz([util.AnyControlEndpointMatcher(role='admin')], "
            "[util.RolesFromEmails(admins=['ann@x'])])",
            'nobody can have the role "admin"',
        ),
    ],
)
def test_rules_that_nobody_wants_are_told(tmp_path: Path, authz: str, sentence: str):
    config, _ = _read(tmp_path, f"c['www']['authz'] = {authz}\n")
    assert any(sentence in str(one) for one in config.warnings)


@pytest.mark.parametrize(
    "authz",
    [
        # The last rule refuses the rest.
        "[util.StopBuildEndpointMatcher(role='admins'), util.AnyEndpointMatcher(role='nobody')], "
        "[util.RolesFromEmails(admins=['ann@x'])]",
        "[util.StopBuildEndpointMatcher(role='adm*'), util.AnyControlEndpointMatcher(role='*')], "
        "[util.RolesFromUsername(['admins'], ['ann@x'])]",
        "[util.AnyControlEndpointMatcher(role='anything')], [util.RolesFromGroups('org/')])\n"
        "c['www']['auth'] = (util.HTPasswdAuth('htpasswd')",
        "[util.AnyControlEndpointMatcher(role='ad|x')], [util.RolesFromDomain(admins=['x'])], "
        "stringsMatcher=util.reStrMatcher",
    ],
)
def test_rules_that_somebody_can_satisfy_are_not_complained_about(tmp_path: Path, authz: str):
    config, _ = _read(tmp_path, f"c['www']['authz'] = util.Authz({authz})\n")
    assert [str(one) for one in config.warnings] == []


@pytest.mark.parametrize(
    ("web", "policy"),
    [
        ("c['www']['authz'] = util.Authz()", KnownPeople()),
        ("c['www'] = {'port': 1, 'authz': util.Authz()}", Everybody()),
        ("", KnownPeople()),
    ],
)
def test_without_rules_those_who_have_logged_in_may_do_everything(
    tmp_path: Path, web: str, policy: Policy
):
    assert _read(tmp_path, web)[0].web.policy == policy


def test_rights_of_old_configurations_open_nothing(tmp_path: Path):
    config, _ = _read(tmp_path, "c['www']['authz'] = util.Authz(forceBuild='auth', stopBuild=True)")
    assert isinstance(config.web.policy, NoOrders)
    assert any("use allowRules and roleMatchers" in str(one) for one in config.warnings)


_ROLES_OF_ALL_KINDS = """
from buildbot.www.authz.roles import RolesFromBase
class Async(RolesFromBase):
    async def getRolesFromUser(self, userDetails):
        return ['r'] if userDetails == {'anonymous': True} else []
class Deferred(RolesFromBase):
    @defer.inlineCallbacks
    def getRolesFromUser(self, userDetails):
        yield defer.succeed(None)
        return {'r'} if userDetails.get('username') == 'ann@x' else None
class One(RolesFromBase):
    def getRolesFromUser(self, userDetails):
        return 'r' if userDetails.get('username') == 'ann@x' else ''
class OfOwner(RolesFromBase):
    async def getRolesFromUser(self, userDetails, owner):
        return ['r'] if owner == 'bob@x' == userDetails.get('email') else []
class Broken(RolesFromBase):
    def getRolesFromUser(self, userDetails):
        raise ValueError('no directory')
"""


def _with_roles(directory: Path, rule: str, matcher: str) -> HostedRules:
    authz = f"util.Authz(\n    [util.{rule}(role='r')],\n    [{matcher}()])"
    config, access = _read(directory, f"{_ROLES_OF_ALL_KINDS}\nc['www']['authz'] = {authz}\n")
    access.master = SimpleNamespace()
    policy = config.web.policy
    assert isinstance(policy, HostedRules)
    return policy


@pytest.mark.parametrize(
    ("matcher", "who"),
    [("Async", ANONYMOUS), ("Deferred", ANN), ("One", ANN), ("OfOwner", BOB)],
)
async def test_users_role_matchers_may_wait_and_ask_for_the_owner(
    tmp_path: Path, matcher: str, who: User
):
    policy = _with_roles(tmp_path, "AnyControlEndpointMatcher", matcher)
    for user in (ANONYMOUS, ANN, BOB):
        why = await _refusal(policy, user, "stop", "builds/1")
        assert (why is None) is (user is who), (user, why)
    assert await _refusal(policy, User(name="eve"), "stop", "builds/1") is not None


@pytest.mark.parametrize(("matcher", "who"), [("Async", ANONYMOUS), ("Deferred", ANN)])
async def test_roles_that_have_to_be_awaited_count_for_reading(
    tmp_path: Path, matcher: str, who: User
):
    policy = _with_roles(tmp_path, "AnyEndpointMatcher", matcher)
    assert isinstance(policy, AskingPolicy)
    for user in (ANONYMOUS, ANN, BOB):
        assert policy.visibility(user).closed
        assert not policy.knows(user)
        await policy.learn(user)
        assert policy.knows(user)
        assert (not policy.visibility(user).closed) is (user is who)


async def test_what_users_role_matchers_raise_refuses_and_is_told_with_its_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    policy = _with_roles(tmp_path, "AnyEndpointMatcher", "Broken")
    why = await _refusal(policy, ANN, "stop", "builds/1")
    await policy.learn(ANN)

    assert why == "c['www']['authz'] failed; the master's log says why"
    assert policy.visibility(ANN).closed
    lines = (tmp_path / "master.cfg").read_text().splitlines()
    line = next(n for n, text in enumerate(lines, 1) if "[Broken()]" in text)
    for record in caplog.records:
        assert "ValueError: no directory" in record.getMessage()
        assert record.exc_info is not None
        notes = getattr(record.exc_info[1], "__notes__", [])
        assert f"(Broken was created at {tmp_path / 'master.cfg'}:{line})" in notes
    assert len(caplog.records) == 2


def test_ways_of_logging_in_that_are_not_called_are_named_with_what_to_use(tmp_path: Path):
    path = tmp_path / "master.cfg"
    path.write_text(
        f"{_HEAD}from buildbot.www.auth import AuthBase\n"
        "class Own(AuthBase):\n"
        "    def maybeAutoLogin(self, request): pass\n"
        "    def getLoginResource(self): pass\n"
        "c['www']['auth'] = Own()\n",
    )
    config = Reader(Document(path, tmp_path), EngineAccess()).read()
    told = "\n".join(str(one) for one in config.warnings)
    assert "Own.maybeAutoLogin is not called: it would believe a header" in told
    assert "use util.RemoteUserAuth(header=..., headerRegex=...)" in told
    assert "Own.getLoginResource is not called: it returns a resource of Twisted" in told


def test_an_emergency_account_has_a_name_of_its_own(tmp_path: Path):
    line = "c['www']['emergency_accounts'] = {%r: %r}\n"
    _read(tmp_path, line % ("root", hashed("break the glass")))
    with pytest.raises(ConfigErrors, match="'ann@x' is a user of c\\['www'\\]\\['auth'\\] as well"):
        _read(tmp_path, line % ("ann@x", hashed("break the glass")))


@pytest.mark.parametrize(
    ("matcher", "more", "is_told"),
    [
        ("util.RolesFromUsername(roles=['admins'], usernames=['anm@x'])", "", True),
        ("util.RolesFromUsername(roles=['admins'], usernames=['ann@x'])", "", False),
        ("util.RolesFromUsername(roles=['admins'], usernames=['root'])", "emergency", False),
        ("util.RolesFromEmails(admins=['root@x'])", "", True),
        ("util.RolesFromEmails(admins=['ann@x'])", "", False),
        ("util.RolesFromDomain(admins=['y'])", "", True),
        ("util.RolesFromGroups()", "", True),
        ("util.RolesFromGroups()", "groups", False),
        ("util.RolesFromOwner(role='admins')", "", False),
    ],
)
def test_rules_that_lock_everybody_out_are_told(
    tmp_path: Path, matcher: str, more: str, is_told: bool
):
    lines = {
        "": "",
        "emergency": f"c['www']['emergency_accounts'] = {{'root': {hashed('break glass')!r}}}\n",
        "groups": (
            "from buildbot.www.auth import UserInfoProviderBase\n"
            "class Groups(UserInfoProviderBase):\n"
            "    def getUserInfo(self, username): return {'groups': ['admins']}\n"
            "c['www']['auth'] = util.UserPasswordAuth({'ann@x': 'p' * 12}, Groups())\n"
        ),
    }[more]
    rules = f"util.Authz([util.AnyEndpointMatcher(role='admins')], [{matcher}])"
    config, _ = _read(tmp_path, f"{lines}c['www']['authz'] = {rules}\n")
    told = "\n".join(str(one) for one in config.warnings)
    assert ("none of the users in c['www']['auth'] has the role \"admins\"" in told) == is_told
