"""`check-security`: what others can misuse."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from certificates import Authority
from click.testing import CliRunner, Result

from chargehand.cli.check_security import check_security
from chargehand.config.login import Login
from chargehand.config.model import MasterConfig, WebConfig, WorkerConfig, WorkerPort
from chargehand.config.tls_files import TlsFiles
from chargehand.config.weaknesses import Grade, weaknesses_of
from chargehand.kit.hashed_passwords import hashed
from chargehand.resources.policy import KnownPeople

_LONG = "J3xVq0-9sTzLw_81kPfA"
_EVERYWHERE, _HERE = ("", 8010), ("127.0.0.1", 8010)
_TLS = TlsFiles(certificate="c.pem", key="k.pem")


def _found(**config: object) -> list[tuple[str, str]]:
    made = MasterConfig(**config)  # type: ignore[arg-type]
    return [(one.grade.name.lower(), one.what) for one in weaknesses_of(made)]


def _worker(name: str = "arm-7", password: object = _LONG, kind: str = "remote") -> WorkerConfig:
    return WorkerConfig(name=name, kind=kind, password=password)


def test_a_master_that_only_its_machine_reaches_is_in_order():
    assert _found(web=WebConfig(listen=(_HERE, ("::1", 8010), "/run/ci.sock"))) == []


def test_a_port_that_others_reach_is_open_and_not_encrypted():
    found = dict(_found(web=WebConfig(listen=(_EVERYWHERE,))))
    assert found.keys() == {"open", "weak"}
    assert "everybody who reaches port 8010 of the web server can force" in found["open"]
    assert "not encrypted" in found["weak"]


def test_a_port_with_tls_is_encrypted():
    found = _found(web=WebConfig(listen=(_EVERYWHERE,), tls={_EVERYWHERE: _TLS}))
    assert [grade for grade, _ in found] == ["open"]
    port = WorkerPort(protocol="pb", address=("", 9989), text="ssl:9989", tls=_TLS)
    assert _found(worker_ports=(port,)) == []


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "is empty"),
        ("Pass", "is one that everybody knows"),
        ("arm-7-pw", "contains its name"),
        ("abcdefg8", "has only 8 characters"),
    ],
)
@pytest.mark.parametrize(("host", "grade"), [("", "open"), ("127.0.0.1", "weak")])
def test_passwords_that_are_guessed(password: str, why: str, host: str, grade: str):
    port = WorkerPort(protocol="pb", address=(host, 9989), text="9989", tls=_TLS)
    found = _found(workers=(_worker(password=password),), worker_ports=(port,))
    assert found[0][0] == grade
    assert f'the password of worker "arm-7" {why}' in found[0][1]


def test_long_hashed_and_secret_passwords_are_in_order():
    async def secret() -> str:
        return "pass"

    workers = (_worker("a", hashed("pass")), _worker("b", secret), _worker("c", None))
    assert _found(workers=workers) == []
    assert [grade for grade, _ in _found(workers=(_worker(),))] == ["hint"]


def test_one_password_for_many():
    workers = tuple(_worker(name) for name in "abcde")
    (grade, what), _ = _found(workers=workers)
    assert (grade, what.partition(":")[0]) == (
        "weak",
        "5 workers have the same password (a, b, c and 2 more)",
    )


@pytest.mark.parametrize("pattern", ["*", "https://*", "http*://*:*"])
def test_origins_that_are_all_sites(pattern: str):
    ((grade, what),) = _found(web=WebConfig(allowed_origins=(pattern, "https://*.example.org")))
    assert (grade, pattern in what) == ("open", True)


def test_a_database_elsewhere():
    far = "postgresql+psycopg://ci:pw@db.example.org/ci"
    assert [grade for grade, _ in _found(db_url=far)] == ["weak", "hint"]
    assert _found(db_url="postgresql://localhost/ci") == []
    assert _found(db_url="sqlite:///state.sqlite") == []


_CONFIGURATION = """\
from buildbot.plugins import *
c = BuildmasterConfig = {}
c['workers'] = [worker.Worker('arm-7', util.Secret('arm-7'))]
c['builders'] = [util.BuilderConfig(name='b', workernames=['arm-7'], factory=util.BuildFactory())]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['b'])]
c['www'] = {'port': 'tcp:8010:interface=127.0.0.1'}
"""


def _run(directory: Path, more: str = "", *options: str) -> Result:
    path = directory / "master.cfg"
    path.write_text(_CONFIGURATION + more)
    path.chmod(0o600)
    return CliRunner().invoke(check_security, [*options, str(directory)], standalone_mode=False)


@pytest.fixture
def basedir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tmp_path.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(tmp_path, 12345, -1)  # A directory of root is a weakness of its own.
    return tmp_path


def test_a_master_that_is_in_order_says_so(basedir: Path):
    ran = _run(basedir)
    assert (ran.return_value, ran.output) == (0, "Found nothing that others can misuse.\n")


def test_files_that_others_can_change_or_read(basedir: Path):
    basedir.chmod(0o755)
    (basedir / "state.sqlite").write_bytes(b"")
    (basedir / "state.sqlite").chmod(0o644)
    token = "ghp_" + "a1B2" * 9
    ran = _run(basedir, f"URL = 'https://{token}@github.com/a/b'\n")
    assert ran.return_value == 0
    assert "All users of this machine can read state.sqlite" in ran.output
    assert "master.cfg:7 contains a password or token." in ran.output
    assert token not in ran.output
    basedir.chmod(0o777)
    ran = _run(basedir)
    assert ran.return_value == 1
    assert "can change" in ran.output
    assert f"Run: chmod go-w {basedir}" in ran.output


def test_certificates_that_expire_and_keys_that_others_read(basedir: Path):
    certificate, key = Authority(basedir / "ca").signed("site", days=-1)
    key.chmod(0o644)
    ran = _run(
        basedir, f"c['www']['tls'] = {{'certificate': '{certificate}', 'key': '{key}'}}\n", "--json"
    )
    found = {one["grade"]: one["what"] for one in json.loads(ran.output)}
    assert f"can read the private key {key}" in found["open"]
    assert "expired on" in found["weak"]
    assert ran.return_value == 1


def test_plug_ins_say_what_is_weak_about_them(basedir: Path, caplog: pytest.LogCaptureFixture):
    ran = _run(
        basedir,
        """
c['protocols'] = {'pb': {'port': 'tcp:9989:interface=127.0.0.1'}}
c['change_source'] = [changes.PBChangeSource()]
c['secretsProviders'] = [secrets.HashiCorpVaultKvSecretProvider(
    'http://vault.example.org', secrets.VaultAuthenticatorToken('t'))]
from buildbot.util.service import BuildbotService
class Odd(BuildbotService):
    def weaknesses(self):
        return 1 / 0
c['services'] = [Odd(name='odd')]
""",
    )
    assert "PBChangeSource has the password that everybody knows" in ran.output
    assert "http://vault.example.org cross the network in clear text" in ran.output
    assert "Odd.weaknesses failed: division by zero" in caplog.text
    assert ran.return_value == 1


def test_grades_are_in_the_order_of_what_they_cost():
    assert sorted(Grade) == [Grade.HINT, Grade.WEAK, Grade.OPEN]


class _Proxied:
    header = "X-User"


def test_passwords_in_clear_text_and_networks_that_may_be_anybody_are_told():
    login = Login(name="X", proxy=_Proxied())  # type: ignore[arg-type]
    web = WebConfig(listen=(_EVERYWHERE,), login=login, policy=KnownPeople())
    assert any("people log in at port 8010 without HTTPS" in what for _, what in _found(web=web))
    web = WebConfig(
        listen=(_HERE,), login=login, policy=KnownPeople(), trusted_proxies=("10.0.0.0/8",)
    )
    ((grade, what),) = _found(web=web)
    assert grade == "open"
    assert "every machine of it can say that it is anybody" in what
    web = WebConfig(
        listen=(_HERE,), login=login, policy=KnownPeople(), trusted_proxies=("10.0.0.1/32",)
    )
    assert _found(web=web) == []
