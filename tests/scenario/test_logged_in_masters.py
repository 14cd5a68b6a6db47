"""People and programs log in at a whole master, which is killed meanwhile."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from installed_master import InstalledMaster
from passlib.context import CryptContext

from chargehand.kit.hashed_passwords import hashed

_CONFIGURATION = """
    add('good', sh('true'))
    c['www']['auth'] = util.HTPasswdAuth('htpasswd')
    """
_SCHEMES = ("bcrypt", "argon2", "apr_md5_crypt", "ldap_sha1", "sha512_crypt")


class _Browser:
    """Keeps the cookie that it is given."""

    def __init__(self, master: InstalledMaster) -> None:
        self._master = master
        self._headers: dict[str, str] = {}

    def send(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        known = {**self._headers, **headers, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._master.url}{path}", data, known)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                if "Set-Cookie" in answer.headers:
                    self._headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
                text = answer.read().decode()
                status = int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        return status, json.loads(text) if text else None

    def log_in(self, name: str, password: str) -> int:
        shown = base64.b64encode(f"{name}:{password}".encode()).decode()
        return self.send("/auth/login", Authorization=f"Basic {shown}")[0]

    def exported(self, path: str) -> tuple[int, str]:
        return self.page(path, "application/x-ndjson")

    def page(self, path: str, accept: str = "text/html") -> tuple[int, str]:
        headers = {**self._headers, "Accept": accept}
        request = urllib.request.Request(f"{self._master.url}{path}", None, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    @property
    def name(self) -> str:
        return str(self.send("/config")[1]["user"].get("username", ""))

    def force(self) -> int:
        call = {"jsonrpc": "2.0", "id": 1, "method": "force", "params": {}}
        return self.send("/api/v2/forceschedulers/force", call)[0]


@pytest.fixture
def master(tmp_path: Path) -> Iterator[InstalledMaster]:
    master = InstalledMaster(tmp_path / "master")
    stored = {name: CryptContext(schemes=[name]).hash("correct") for name in _SCHEMES}
    stored |= {"ours": hashed("correct"), "plain": "correct", "odd": "$unknown$xyz", "none": ""}
    lines = [f"{name}:{password}" for name, password in stored.items()]
    master.file("htpasswd").write_text("# people\n" + "\n".join(lines) + "\nnonsense\n")
    yield master
    master.end()


def test_sessions_and_tokens_outlive_a_killed_master(master: InstalledMaster):
    master.write(_CONFIGURATION)
    master.start()
    for name in (*_SCHEMES, "ours", "plain"):
        browser = _Browser(master)
        assert browser.log_in(name, "correct") == 200, name
        assert browser.name == name
    assert _Browser(master).log_in("bcrypt", "wrong") == 401
    assert _Browser(master).log_in("odd", "xyz") == 401
    assert "unknown kind ($unknown$" in master.log
    assert _Browser(master).force() == 403
    browser = _Browser(master)
    assert browser.log_in("plain", "correct") == 200
    assert browser.force() == 200

    made = master.chargehand("token", "make", "nightly", "--for", "bot", "--scope", "force")
    assert made.status == 0, made.text
    token = made.out.strip()
    assert token.startswith("chp_")
    assert 'Token 1 "nightly" of bot' in made.err

    master.kill()
    master.start()

    assert browser.name == "plain"
    assert browser.force() == 200
    program = _Browser(master)
    shown = {"Authorization": f"Bearer {token}"}
    status, config = program.send("/config", **shown)
    assert (status, config["user"]["username"]) == (200, "bot")
    listed = master.chargehand("token", "list")
    assert "nightly" in listed.out and "bot" in listed.out and token not in listed.out
    assert master.chargehand("token", "revoke", "1").status == 0
    assert program.send("/config", **shown)[0] == 401
    audit = master.chargehand("audit", "--json").out
    assert token not in audit
    assert '"action":"log in"' in audit and '"action":"revoke"' in audit
    assert "correct" not in audit + master.log

    master.file("htpasswd").write_text("somebody:else\n")
    assert browser.log_in("plain", "correct") == 401  # It is read again when somebody logs in.
    assert browser.name == ""


def test_the_master_asks_users_own_checks_and_survives_their_faults(master: InstalledMaster):
    master.write(
        """
        from buildbot.www.auth import CustomAuth, UserInfoProviderBase
        from twisted.internet import defer

        class Directory(UserInfoProviderBase):
            @defer.inlineCallbacks
            def getUserInfo(self, username):
                yield defer.succeed(None)
                if username == 'eve':
                    raise RuntimeError('the directory is broken')
                return {'email': username + '@example.org', 'groups': ['qa']}

        class Check(CustomAuth):
            async def check_credentials(self, user, password):
                return password == 'sesame'

        add('good', sh('true'))
        c['www']['auth'] = Check(userInfoProvider=Directory())
        """
    )
    master.start()
    browser = _Browser(master)

    assert browser.log_in("ann", "sesame") == 200
    user = browser.send("/config")[1]["user"]
    assert (user["email"], user["groups"]) == ("ann@example.org", ["qa"])
    assert _Browser(master).log_in("ann", "other") == 401
    assert _Browser(master).log_in("eve", "sesame") == 503
    assert "RuntimeError: the directory is broken" in master.log
    assert browser.force() == 200

    # An unchanged configuration changes nothing, and logs nobody out.
    master.reconfig()
    assert browser.name == "ann"


def test_the_audit_log_says_who_read_secrets_and_the_configuration(master: InstalledMaster):
    (master.path / "secrets").mkdir(mode=0o700)
    secret = master.path / "secrets" / "token"
    secret.write_text("hush-hush")
    secret.chmod(0o600)
    rules = """
        c['secretsProviders'] = [secrets.SecretInAFile(dirname=str(HERE / 'secrets'))]
        add('good', steps.ShellCommand(command=['echo', util.Secret('token')]))
        c['www']['auth'] = util.UserPasswordAuth({'ann': 'p' * 12, 'bob': 'q' * 12})
        c['www']['authz'] = util.Authz(
            allowRules=[util.AnyEndpointMatcher(role='admins')],
            roleMatchers=[util.RolesFromUsername(roles=['admins'], usernames=['ann'])],
        )
        """
    master.write(rules)
    master.start()
    ann, bob = _Browser(master), _Browser(master)
    assert ann.log_in("ann", "p" * 12) == bob.log_in("bob", "q" * 12) == 200
    assert master.chargehand("force", "good", "--follow").status == 0
    master.reconfig()
    master.write(rules + "\n        c['nonsense'] = 1\n")
    assert master.chargehand("reconfig").status == 1

    listed = master.chargehand("audit").out
    page = ann.page("/plain/audit")

    assert "get secret builds/1 provider=SecretInAFile secret=token" in listed
    assert "build good #1" in listed
    assert "reconfigure" in listed
    assert "refused: " in listed and "nonsense" in listed
    for text in ("get secret", "build good #1", "reconfigure", "nonsense", "log in"):
        assert text in page[1]
    assert bob.page("/plain/audit")[0] == 403
    assert ann.send("/api/v2/audit")[0] == 200
    assert bob.send("/api/v2/audit")[0] == 403
    assert bob.exported("/api/v2/audit")[0] == 403
    status, text = ann.exported("/api/v2/audit?kind=secret&kind=configuration")
    lines = [json.loads(line) for line in text.splitlines()]
    assert (status, {line["kind"] for line in lines}) == (200, {"secret", "configuration"})
    numbers = [line["auditid"] for line in lines]
    assert numbers == sorted(numbers) and len(numbers) > 2
    assert len(ann.exported("/api/v2/audit?limit=2")[1].splitlines()) == 2
    assert ann.exported("/api/v2/audit?nonsense=1")[0] == 400
    assert "hush" not in listed + page[1] + master.log


_TALK = """\
import json, os, sys, urllib.error, urllib.request

def send(path, body=None):
    headers = {"Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": "application/json"}
    data = body and json.dumps(body).encode()
    request = urllib.request.Request(os.environ["URL"] + path, data, headers)
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code

force = {"jsonrpc": "2.0", "id": 1, "method": "force", "params": {"builderNames": ["good"]}}
print("token", os.environ["TOKEN"])
open(sys.argv[1], "w").write(os.environ["TOKEN"])
print("read", send("/api/v2/builders/talker"), send("/api/v2/builders/hidden"))
print("force", send("/api/v2/forceschedulers/force", force))
print("stop", send("/api/v2/builds/1", {**force, "method": "stop"}))
"""


def test_a_build_talks_to_the_api_with_a_token_of_its_own(master: InstalledMaster):
    master.file("talk.py").write_text(_TALK)
    master.write(
        """
        import sys
        add('good', sh('true'))
        add('hidden', sh('true'))
        add('talker', steps.ShellCommand(
            command=[sys.executable, HERE / 'talk.py', HERE / 'token'],
            env={
                'TOKEN': util.BuildToken(actions=['force'], builders=['talker', 'good']),
                'URL': util.Property('reason'),
            },
        ))
        c['www']['auth'] = util.UserPasswordAuth({'a': 'b' * 12})
        """
    )
    master.start()
    browser = _Browser(master)
    assert browser.log_in("a", "b" * 12) == 200

    ran = master.chargehand("force", "talker", "--reason", master.url, "--follow")

    assert "token <build token>" in ran.out, ran.text
    assert "read 200 404" in ran.out
    assert "force 200" in ran.out
    assert "stop 403" in ran.out
    token = master.file("token").read_text()
    assert token.startswith("chp_")
    assert token not in ran.out + master.log
    assert browser.send("/config", Authorization=f"Bearer {token}")[0] == 401
    audit = master.chargehand("audit", "--json").out
    assert '"user":"build talker #1"' in audit
