"""The guides: each has a test, and what they say to configure can be configured."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.views.engine_access import EngineAccess
from chargehand.config.errors import ConfigErrors
from chargehand.kit.hashed_passwords import hashed

_ROOT = Path(__file__).parents[2]
_GUIDES = _ROOT / "docs" / "how-to"
_BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_CONFIGURED = {
    "behind-a-proxy": {},
    "build-in-other-clouds": {"NETWORK": "'network'"},
    "build-on-ec2": {},
    "build-in-docker-containers": {
        "f'docker-{number}'": "f'docker-{number}' if number else 'local'"
    },
    "build-changes-of-forks": {"/srv/ci/secrets": "SECRETS"},
    "build-a-patch": {
        "SecretInAFile('secrets')": "SecretInAFile('SECRETS')",
        "'docs'": "'lint'",
        "'tests'": "'linux'",
    },
    "cancel-builds": {},
    "connect-workers-with-tls": {},
    "decide-who-may-do-what": {},
    "disk-use": {},
    "keep-secrets": {"/srv/ci/secrets": "SECRETS"},
    "log-in": {"$scrypt$ln=12,r=8,p=1$…": hashed("correct horse battery staple")},
    "move-stock-workers": {},
    "use-postgresql": {"os.environ['CI_DB_PASSWORD']": "'x'"},
}
"""Guides whose code is configuration only, and what is replaced in it."""
_FOOT = """
if all(one.workername != 'local' for one in c['workers']):
    c['workers'].append(worker.LocalWorker('local'))
"""
_HEAD = """
from buildbot.plugins import *
c = BuildmasterConfig = {'buildbotNetUsageData': None}
c['workers'] = [worker.LocalWorker('local')]
c['configurators'] = []
factory = util.BuildFactory([steps.ShellCommand(command=['make'])])
c['builders'] = [
    util.BuilderConfig(name=name, workernames=['local'], factory=factory)
    for name in ('linux', 'windows', 'lint', 'unit tests')
]
c['protocols'] = {'pb': {'port': 9989}}
c['www'] = {'port': 8010}
names = [builder.name for builder in c['builders']]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=names)]
"""


@pytest.mark.parametrize("guide", sorted(_CONFIGURED))
def test_what_a_guide_configures_is_accepted(tmp_path: Path, guide: str):
    text = (_GUIDES / f"{guide}.md").read_text()
    for old, new in _CONFIGURED[guide].items():
        assert old in text
        text = text.replace(old, new)
    blocks = [textwrap.dedent(block) for _, block in _BLOCK.findall(text)]
    assert blocks
    (tmp_path / "secrets").mkdir()

    done = ""
    for block in blocks:
        path = tmp_path / "master.cfg"
        done += block.replace("SECRETS", str(tmp_path / "secrets"))
        path.write_text(_HEAD + done + _FOOT)
        try:
            config = Reader(Document(path, tmp_path), EngineAccess()).read()
        except ConfigErrors as refused:  # The client of a cloud need not be installed here.
            assert all("pip install" in error.message for error in refused.errors)
        else:
            assert config.builders


def test_every_guide_with_code_is_tested():
    tests = "\n".join(path.read_text() for path in (_ROOT / "tests").rglob("test_*.py"))

    untested = [
        path.stem
        for path in sorted(_GUIDES.glob("*.md"))
        if _BLOCK.search(path.read_text()) and not re.search(rf"\b{path.stem}\b", tests)
    ]

    assert untested == [], "name it in a test that runs its code, or above in _CONFIGURED"


def test_the_index_names_each_guide():
    listed = set(re.findall(r"how-to/([\w-]+)\.md", (_ROOT / "docs" / "index.md").read_text()))

    assert {path.stem for path in _GUIDES.glob("*.md")} == listed
