"""The tables of keys, in the reference and for those who migrate, say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.reading.keys import KNOWN
from buildbot._host.reading.web_settings import KNOWN as KNOWN_OF_WWW
from buildbot._host.views.engine_access import EngineAccess
from chargehand.config.errors import ConfigErrors

_DOCS = Path(__file__).parents[2] / "docs"

_GOOD = """\
from datetime import timedelta
import re
from buildbot.plugins import *
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local')]
c['builders'] = [util.BuilderConfig(name='b', workernames=['local'], factory=util.BuildFactory())]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['b'])]
"""

_GIVEN = {
    "machines": "[]",
    "sources": "[]",
    "buildCacheSize": "10",
    "buildbotNetUsageData": "None",
    "buildbotURL": "'http://ci.example.org/'",
    "builders": "c['builders']",
    "caches": "{'Builds': 10}",
    "changeCacheSize": "10",
    "auditDays": "30",
    "trust": "{'changes': [(util.ChangeFilter(branch='main'), 'trusted')]}",
    "changeHorizon": "10",
    "change_source": "changes.GitPoller('file:///tmp/x')",
    "codebaseGenerator": "lambda change: ''",
    "collapseRequests": "False",
    "configurators": "[]",
    "db": "{'db_url': 'sqlite:///x.sqlite'}",
    "db_url": "'sqlite:///x.sqlite'",
    "logCompressionLimit": "100",
    "logCompressionMethod": "'gz'",
    "logEncoding": "'latin-1'",
    "logMaxSize": "1000",
    "logMaxTailSize": "1000",
    "manhole": "util.TelnetManhole('tcp:1234', 'user', 'password')",
    "metrics": "{'log_interval': 10}",
    "mq": "{'type': 'simple'}",
    "multiMaster": "True",
    "prioritizeBuilders": "lambda master, builders: builders",
    "projects": "[util.Project(name='p')]",
    "properties": "{'a': 1}",
    "protocols": "{'pb': {'port': 9989}}",
    "revlink": "lambda revision, repository: None",
    "schedulers": "c['schedulers']",
    "secretsProviders": "[]",
    "select_next_worker": "lambda builder, workers, request: None",
    "services": "[]",
    "title": "'T'",
    "titleURL": "'http://example.org'",
    "user_managers": "[util.CommandlineUserManager(username='u', passwd='p', port=9990)]",
    "validation": "{'branch': re.compile('.')}",
    "workers": "c['workers']",
    "www": "{'port': 8010}",
    "buildHorizon": "1",
    "logHorizon": "1",
    "eventHorizon": "1",
    "status": "[]",
    "slaves": "c.pop('workers')",
    "slavePortnum": "9989",
    "mergeRequests": "True",
    "projectName": "'T'",
    "projectURL": "'http://example.org'",
}

_GIVEN_WWW = {
    "allowed_hosts": "['*']",
    "allowed_origins": "['*']",
    "auth": "util.UserPasswordAuth({'user': 'password'})",
    "authz": "util.Authz()",
    "avatar_methods": "[util.AvatarGravatar()]",
    "change_hook_auth": "['file:x']",
    "change_hook_dialects": "{'github': {}}",
    "cookie_expiration_time": "timedelta(weeks=1)",
    "custom_templates_dir": "'templates'",
    "emergency_accounts": "{}",
    "first_error_rules": "{}",
    "graphql": "{'debug': True}",
    "limits": "{'connections': 9}",
    "session_lifetime": "timedelta(days=30)",
    "stock_ui": "False",
    "tls": "None",
    "trusted_proxies": "['127.0.0.1']",
    "plugins": "{'badges': {}}",
    "port": "8010",
    "ui_default_config": "{'Builders.buildFetchLimit': 10}",
    "versions": "[('Ours', '1')]",
}


def _rows(page: str, heading: str) -> dict[str, list[str]]:
    """Return the cells of the rows below a heading, by each key that their first cell names."""
    text = (_DOCS / page).read_text(encoding="utf-8")
    section = re.split(r"^#+ ", text.partition(f" {heading}\n")[2], flags=re.MULTILINE)[0]
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for key in re.findall(r"`([^`]+)`", cells[0] if cells else ""):
            assert key not in found, f"{key} is twice in {page}"
            found[key] = cells[1:]
    return found


def _state(directory: Path, key: str, line: str) -> str:
    """Return how a configuration with this line is read, in the words of the table."""
    path = directory / "master.cfg"
    path.write_text(f"{_GOOD}{line}\n")
    try:
        config = Reader(Document(path, directory), EngineAccess()).read()
    except ConfigErrors as errors:
        return "error" if key in str(errors) else str(errors)
    return "warning" if config.warnings else "works or accepted"


_KEYS = _rows("migrating-from-buildbot.md", "Keys of BuildmasterConfig")
_KEYS_OF_WWW = _rows("migrating-from-buildbot.md", "Keys of www")


def _stated(cells: list[str]) -> str:
    return "works or accepted" if cells[0] in ("works", "accepted") else cells[0]


def test_the_tables_have_every_key():
    assert KNOWN - _KEYS.keys() == set()
    assert KNOWN_OF_WWW ^ _KEYS_OF_WWW.keys() == set()
    assert KNOWN ^ _rows("reference/configuration.md", "Keys of BuildmasterConfig").keys() == set()
    assert KNOWN_OF_WWW ^ _rows("reference/configuration.md", "Keys of www").keys() == set()


@pytest.mark.parametrize("key", sorted(_KEYS))
def test_a_key_is_read_as_the_table_says(tmp_path: Path, key: str):
    line = f"c[{key!r}] = {_GIVEN.get(key, '1')}"

    assert _state(tmp_path, key, line) == _stated(_KEYS[key])


@pytest.mark.parametrize("key", sorted(_KEYS_OF_WWW))
def test_a_key_of_www_is_read_as_the_table_says(tmp_path: Path, key: str):
    line = f"c['www'] = {{{key!r}: {_GIVEN_WWW.get(key, '1')}}}"

    assert _state(tmp_path, key, line) == _stated(_KEYS_OF_WWW[key])
