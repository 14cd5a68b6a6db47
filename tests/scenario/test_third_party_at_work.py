"""More plug-ins from PyPI, each doing its work in a real master, with servers of the test's own."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from certificates import Authority
from connections import free_port
from installed_master import SUCCESS, WARNINGS, InstalledMaster
from third_party import install, make_importable
from waiting import eventually

from chargehand.testing.git_repository import Repository

pytestmark = pytest.mark.slow

PLUG_INS = (
    "buildbot-fossil==1.1",
    "buildbot-githubapi==0.1.2",
    "buildbot-phorge==22.8.0",
    "buildbot-pipelines==0.1.0",
    "buildbot-travis==0.6.4",
    "buildbot-washer==1.2.0",
    "buildbot-worker==2.10.5",  # a later one sends updates that Washer's tasks cannot make
)
NEEDS = (
    *(
        "PyYAML",
        "klein",
        "tubes",
        "werkzeug",
        "environconfig",
        "future",
        "multipart",
        "pyasn1",
        "pyasn1-modules",
        "pyopenssl",
    ),
    *("python-dateutil", "requests", "service-identity", "six", "treq"),
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("plug-ins")
    install(place, PLUG_INS, NEEDS)
    return place


@pytest.fixture
def guests(
    master: InstalledMaster, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> InstalledMaster:
    """A master that finds the plug-ins."""
    make_importable(installed, monkeypatch)
    return master


@contextmanager
def _server(answer: Callable[[str, str], Any], authority: Authority | None = None) -> Iterator[str]:
    """Answer requests with JSON; give its address as HOST:PORT."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers["Content-Length"] or 0)
            body = json.dumps(answer(self.path, self.rfile.read(length).decode())).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Be silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if authority is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*authority.signed("server"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Whom the masters of a test trust."""
    authority = Authority(tmp_path / "authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    return authority


_PHORGE = """
add('b', sh('false'), properties={'phorge_host': 'HOST', 'phorge_target_phid': 'PHID-7'})
c['services'] = [reporters.phorge(host='HOST', token='api-secret')]
"""


def test_phorge_hears_how_a_build_ended(guests: InstalledMaster, authority: Authority) -> None:
    posted: list[tuple[str, dict[str, list[str]]]] = []

    def answer(path: str, body: str) -> Any:
        posted.append((path, parse_qs(body)))
        return {"error_code": None, "result": {"ok": 1}}

    with _server(answer, authority) as host:
        guests.write(_PHORGE.replace("HOST", host))
        guests.start()
        guests.build("b")
        eventually(f"a message; {guests.log}", lambda: posted)

    assert posted == [
        (
            "/api/harbormaster.sendmessage",
            {"api.token": ["api-secret"], "buildTargetPHID": ["PHID-7"], "type": ["fail"]},
        )
    ]


_RELEASE = {
    "id": 17,
    "tag_name": "v1.2",
    "name": "One two",
    "body": "Better.",
    "target_commitish": "main",
    "author": {"login": "ann"},
    "updated_at": "2021-01-18T01:05:58Z",
}
_GITHUB = {
    "/repos/someone/thing/releases": [_RELEASE],
    "/repos/someone/thing/commits/v1.2": {
        "sha": "a" * 40,
        "commit": {"committer": {"name": "Carl", "email": "carl@example.org"}},
        "files": [{"filename": "src/a.c"}],
    },
    "/users/ann": {"name": "Ann"},
}
_GITHUB_CONFIGURATION = """
changes.GitHubAPI.baseurl = 'HOST'
c['change_source'] = changes.GitHubAPI('someone', 'thing', pollInterval=1, pollAtLaunch=True)
add('b', sh('true'))
c['schedulers'].append(schedulers.AnyBranchScheduler(name='any', builderNames=['b']))
"""


def test_releases_at_github_become_changes_once(
    guests: InstalledMaster, authority: Authority
) -> None:
    asked: list[str] = []

    def answer(path: str, _: str) -> Any:
        asked.append(path)
        return _GITHUB[path]

    with _server(answer, authority) as host:
        guests.write(_GITHUB_CONFIGURATION.replace("HOST", host))
        guests.start()
        eventually(f"a build; {guests.log}", lambda: guests.get("builds?complete=true"))
        eventually("more polls", lambda: asked.count("/repos/someone/thing/releases") > 2)

    change = guests.one("changes")
    assert (change["revision"], change["branch"]) == ("v1.2", "main")
    assert change["files"] == ["src/a.c"]
    assert change["comments"].endswith("Better.")


_TASKS = """
from washer.worker.actions import (
    AppendStdout, SetProperty, UpdateProgress, UpdateSummary, Warn)
from washer.worker.commands import washertask

@washertask
def wash(times):
    for number in range(times):
        yield UpdateProgress('washed', number)
        yield AppendStdout(f'washed {number}\\n')
    yield UpdateSummary('washed')
    yield SetProperty('washed', times)
    yield Warn('a hole\\n')
    return True
"""
_WASHER_WORKER = """
from chargehand.plugins.root import activate
activate()
from washer.worker.__main__ import main
main()
"""


def test_a_worker_of_washer_runs_its_tasks(
    guests: InstalledMaster, installed: Path, tmp_path: Path
) -> None:
    port = free_port()
    guests.write(
        f"c['protocols'] = {{'pb': {{'port': 'tcp:{port}:interface=127.0.0.1'}}}}\n"
        "c['workers'] = [worker.Worker('w', 'secret')]\n"
        "add('b', steps.WasherTask(task_name='wash', task_args={'times': util.Property('n')}),\n"
        "    workernames=['w'], properties={'n': 3})\n"
    )
    guests.start()
    (tmp_path / "tasks.py").write_text(_TASKS)
    told = {
        "BUILDMASTER": "127.0.0.1",
        "BUILDMASTER_PORT": str(port),
        "WORKERNAME": "w",
        "WORKERPASS": "secret",
        "BASEDIR": str(tmp_path),
        "PYTHONPATH": str(installed),
    }
    with (
        (tmp_path / "out").open("wb") as out,
        subprocess.Popen(
            [sys.executable, "-c", _WASHER_WORKER, str(tmp_path / "tasks.py")],
            env={**os.environ, **told},
            cwd=tmp_path,
            stdout=out,
            stderr=out,
        ) as worker,
    ):
        try:
            eventually(
                f"the worker; {(tmp_path / 'out').read_text()}",
                lambda: worker.poll() is not None or guests.one("workers/w")["connected_to"],
            )
            assert worker.poll() is None, (tmp_path / "out").read_text()
            build = guests.build("b")
        finally:
            worker.send_signal(signal.SIGTERM)

    assert guests.step(build, "WasherTask")["results"] == WARNINGS, guests.log
    assert guests.output(build, "WasherTask") == ["washed 0", "washed 1", "washed 2"]
    assert guests.properties(build)["washed"] == [3, "WasherTask"]


_PIPELINE = """
env: {COLOR: red}
stages:
  test:
    matrix: {PY: [a, b]}
    steps:
      - echo $PY $COLOR
branches:
  .*: [test]
"""


def test_a_pipeline_of_the_repository_runs_for_each_entry_of_its_matrix(
    guests: InstalledMaster, tmp_path: Path
) -> None:
    repository = Repository(tmp_path)
    (repository.copy / ".pipeline.yml").write_text(_PIPELINE)
    revision = repository.commit("begin")
    repository.push()
    port = free_port()
    guests.write(
        "from buildbot_pipelines import PipelineConfigurator\n"
        "c['configurators'] = [PipelineConfigurator()]\n"
        f"c['change_source'] = changes.PBChangeSource(port='tcp:{port}:interface=127.0.0.1',\n"
        "    user='me', passwd='secret')\n",
        foot="",
    )
    guests.start()
    sent = guests.chargehand(
        *("sendchange", "--master", f"127.0.0.1:{port}", "--auth", "me:secret", "--who", "me"),
        *("--repository", repository.url, "--branch", "main", "--revision", revision),
        *("--category", "push", "--vc", "git"),
    )
    assert sent.status == 0, sent.text

    builds = eventually(
        f"three builds; {guests.log}",
        lambda: (found := guests.get("builds?complete=true"))[2:] and found,
    )
    assert [build["results"] for build in builds] == [SUCCESS] * 3, guests.log
    runs = [build for build in builds if guests.steps(build)[0]["name"] == "runner"]
    last = [(build, str(guests.steps(build)[-1]["number"])) for build in runs]
    assert sorted(guests.output(*one) for one in last) == [["a red"], ["b red"]]


_TRAVIS = """
language: generic
env:
  - COLOR=red
  - COLOR=blue
install: echo installed
script:
  - echo $COLOR
"""


def test_travis_builds_each_environment_of_a_travis_yml(
    guests: InstalledMaster, tmp_path: Path
) -> None:
    repository = Repository(tmp_path)
    (repository.copy / ".travis.yml").write_text(_TRAVIS)
    repository.commit("begin")
    repository.push()
    projects = [
        {
            "name": "thing",
            "repository": repository.url,
            "branch": "main",
            "vcs_type": "gitpb",
            "stages": ["production"],
        }
    ]
    guests.write(
        "from buildbot_travis import TravisConfigurator\n"
        "www = c['www']\n"
        "c['workers'] = [worker.LocalWorker('local', max_builds=3)]\n"
        "TravisConfigurator(c, str(HERE)).fromDict(\n"
        f"    {{'projects': {projects!r}, 'workers': []}})\n"
        "c['www'] = www\n",
        foot="",
    )
    guests.start()
    scheduler = next(
        one["name"] for one in guests.get("forceschedulers") if "thing" in one["builder_names"]
    )
    (builder,) = (one for one in guests.get("builders") if one["name"] == "thing")
    _, requests = guests.order(
        f"forceschedulers/{scheduler}",
        "force",
        builderid=builder["builderid"],
        username="Me <me@example.org>",
    )
    guests.completed(next(iter(requests.values())))

    parent, *children = guests.get("builds?order=buildid")
    assert parent["results"] == SUCCESS, guests.log
    last = [(build, str(guests.steps(build)[-1]["number"])) for build in children]
    assert sorted(guests.output(*one)[-1] for one in last) == ["blue", "red"]
    names = {guests.properties(build)["virtual_builder_name"][0] for build in children}
    assert len(names) == 2
