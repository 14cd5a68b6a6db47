"""``c['www']``: what holds when nothing is said."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from certificates import Authority

from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.views.engine_access import EngineAccess
from chargehand.config.errors import ConfigErrors
from chargehand.config.model import WebConfig
from chargehand.config.tls_files import TlsFiles
from chargehand.resources.policy import Everybody

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


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "ca")


def _with_certificate(directory: Path, authority: Authority) -> None:
    certificate, key = authority.signed("site")
    shutil.copy(certificate, directory / "site.pem")
    shutil.copy(key, directory / "site.key")


@pytest.mark.parametrize(
    "www",
    [
        "'port': 'ssl:8443:interface=127.0.0.1:privateKey=site.key:certKey=site.pem'",
        "'port': 'tcp:8443:interface=127.0.0.1', 'tls': {'certificate': 'site.pem', "
        "'key': 'site.key'}",
    ],
)
def test_https_uses_files_below_the_directory_of_the_configuration(
    tmp_path: Path, authority: Authority, www: str
):
    _with_certificate(tmp_path, authority)
    web = _web(tmp_path, f"c['www'] = {{{www}}}")
    address = ("127.0.0.1", 8443)
    assert web.listen == (address,)
    assert web.tls == {
        address: TlsFiles(certificate=str(tmp_path / "site.pem"), key=str(tmp_path / "site.key"))
    }
    assert web.hsts_seconds == 180 * 24 * 3600


@pytest.mark.parametrize(
    ("tls", "problem"),
    [
        ("{}", r"c\['www'\]\['tls'\] needs 'certificate', the path of a PEM file"),
        ("{'certificate': 'no.pem'}", "cannot read .*no.pem: No such file or directory"),
        ("{'certificate': 3}", r"\['certificate'\] must be the path of a PEM file, not 3"),
        (
            "{'certificate': 'site.pem', 'key': 'other.key'}",
            "not a certificate and its private",
        ),
        ("{'certificate': 'site.pem', 'kye': 'site.key'}", 'unknown key "kye" .*; did you mean'),
        ("{'certificate': 'site.pem', 'key': 'site.key', 'hsts_seconds': -1}", "hsts_seconds"),
    ],
)
def test_what_is_wrong_with_the_files_for_https_is_said(
    tmp_path: Path, authority: Authority, tls: str, problem: str
):
    _with_certificate(tmp_path, authority)
    shutil.copy(authority.signed("other")[1], tmp_path / "other.key")
    with pytest.raises(ConfigErrors, match=problem) as raised:
        _web(tmp_path, f"c['www'] = {{'port': 8443, 'tls': {tls}}}")
    assert "master.cfg:6" in str(raised.value)


def test_the_guide_to_https_is_as_it_says(tmp_path: Path, authority: Authority):
    guide = (Path(__file__).parents[2] / "docs/how-to/serve-https.md").read_text()
    text = guide.partition("```python\n")[2].partition("```")[0]
    certificate, key = authority.signed("site")
    (tmp_path / "tls").mkdir()
    shutil.copy(certificate, tmp_path / "tls" / "fullchain.pem")
    shutil.copy(key, tmp_path / "tls" / "privkey.pem")
    web = _web(tmp_path, text)
    assert web.tls.keys() == {("", 8443)}
    text = text.replace("8443,", re.findall(r"`'port': ('ssl:.*')`", guide)[0] + ",")
    alike = _web(tmp_path, re.sub(r"    'tls': .*\n", "", text))
    assert (alike.listen, alike.tls) == (web.listen, web.tls)
