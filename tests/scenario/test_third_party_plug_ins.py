"""Plug-ins that others publish, installed from PyPI as they are, at work in a real master."""

from __future__ import annotations

import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from installed_master import SUCCESS, InstalledMaster
from third_party import install, make_importable
from waiting import eventually

pytestmark = pytest.mark.slow

PLUG_INS = (
    "buildbot-fossil==1.1",
    "buildbot-gitea==1.8.0",
    "buildbot-matrix==0.0.5",
    "buildbot-mattermost-reporter==0.2.0",
    "buildbot-prometheus==22.0.0",
    "buildbot-slack==0.2.3",
    "buildbot-UnrealEngine==1.7.1",
    "buildbot-washer==1.2.0",
)
NEEDS = ("prometheus-client", "python-dateutil", "six")
"""What they need besides; what they say of Buildbot itself is left out with ``--no-deps``."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install them beside, not into, the environment of the tests."""
    place = tmp_path_factory.mktemp("plug-ins")
    install(place, PLUG_INS, NEEDS)
    return place


class Service(BaseHTTPRequestHandler):
    """Answers everything, and keeps what was posted."""

    posted: ClassVar[list[tuple[str, Any]]] = []
    feed: ClassVar[str] = "<rss/>"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.posted.append((self.path, json.loads(body)))
        self._answer(b"{}")

    def do_GET(self) -> None:
        self._answer(self.feed.encode())

    def log_message(self, *_: Any) -> None:
        """Be silent."""

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Service.posted.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def guests(
    master: InstalledMaster, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> InstalledMaster:
    """A master that finds the plug-ins."""
    make_importable(installed, monkeypatch)
    return master


_REPORTERS = """
add('b', sh('true'))
c['services'] = [
    reporters.SlackStatusPush(endpoint='SERVICE/slack', channel='#ci'),
    reporters.MatrixStatusPush('SERVICE', 'room', 'token'),
    reporters.GiteaStatusPush('SERVICE/gitea', 'token'),
    reporters.MattermostStatusPush('SERVICE/mattermost'),
]
"""


def test_four_reporters_say_that_a_build_began_and_ended(
    guests: InstalledMaster, service: str
) -> None:
    guests.write(_REPORTERS.replace("SERVICE", service))
    guests.start()
    guests.build(
        "b",
        revision="abc",
        branch="main",
        owner="someone",
        repository="git@example.org:someone/thing.git",
    )

    kinds = ("/slack", "/_matrix", "/gitea", "/mattermost")
    for kind in kinds:
        eventually(f"{kind}; {guests.log}", lambda kind=kind: len(_posted(kind)) >= 1)
    gitea = eventually("two statuses", lambda: _posted("/gitea")[1:] and _posted("/gitea"))
    assert [body["state"] for _, body in gitea] == ["pending", "success"]
    assert gitea[0][0] == "/gitea/api/v1/repos/someone/thing/statuses/abc"
    slack = eventually("two messages", lambda: _posted("/slack")[1:] and _posted("/slack"))
    assert slack[-1][1]["text"] == "Buildbot finished build b with result: success"
    assert "Traceback" not in guests.log


def test_prometheus_gets_figures_of_builds(guests: InstalledMaster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    guests.write(f"add('b', sh('true'))\nc['services'] = [reporters.Prometheus(port={port})]\n")
    guests.start()
    guests.build("b")

    def look() -> str | None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text: str = answer.read().decode()
        return text if 'buildbot_builds_success_total{builder_id="1"' in text else None

    assert "buildbot_builders_running_total 0.0" in eventually("a figure", look)


_WASHER = """
def processor(step):
    for number in step.config.split():
        yield {'sched_name': 'each', 'props_to_set': {
            'number': number, 'by': util.Property('buildername')}, 'unimportant': False}

add('parent', sh('echo 1 2 3 > .washer.conf'),
    steps.TriggerFromFile(processor=processor, waitForFinish=True, schedulerNames=['each']),
    steps.ReduceTriggerProperties(
        reducefn=lambda *builds: {'total': sum(int(one['number']) for one in builds)}))
add('child', steps.ShellCommand(command=['echo', util.Interpolate('%(prop:by)s')]))
c['schedulers'].append(schedulers.Triggerable(name='each', builderNames=['child']))
"""


def test_washer_triggers_what_a_file_of_the_worker_says(guests: InstalledMaster) -> None:
    guests.write(_WASHER)
    guests.start()

    build = guests.build("parent")

    assert build["results"] == SUCCESS, guests.log
    assert guests.properties(build)["total"] == [6, "reducetrigger"]
    assert len(guests.get("builders/child/builds")) == 3


_UNREAL = """
add('b', steps.UEBuild(str(HERE), str(HERE / 'Thing.uproject'), 'ThingEditor',
                       build_platform='Linux', target_platform='Linux'))
"""


def test_the_steps_of_unreal_engine_run_its_scripts(guests: InstalledMaster) -> None:
    script = guests.path / "Engine" / "Build" / "BatchFiles" / "Linux" / "Build.sh"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\necho $1\necho 'a.cpp:3: warning: odd'\n")
    script.chmod(0o755)
    guests.write(_UNREAL)
    guests.start()

    build = guests.build("b")

    assert build["results"] == SUCCESS
    assert guests.output(build, "UEBuild") == ["ThingEditor", "a.cpp:3: warning: odd"]
    assert "a.cpp:3: warning: odd" in guests.raw(build, "UEBuild", "warnings").decode()


_FEED = """<rss xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel>
<title>Thing</title><item><title>Mend it (tags: trunk)</title><link>http://x/info/{0}</link>
<pubDate>Mon, 18 Jan 2021 01:05:58 +0000</pubDate><dc:creator>me</dc:creator></item>
</channel></rss>"""


def test_fossils_poller_makes_changes_of_a_feed(guests: InstalledMaster, service: str) -> None:
    Service.feed = _FEED.format("a" * 40)
    guests.write(
        "add('b', sh('true'))\n"
        "c['change_source'] = changes.FossilPoller("
        f"'{service}/fossil', rss=True, pollInterval=1, pollAtLaunch=True)\n"
        "c['schedulers'].append(schedulers.AnyBranchScheduler(name='any', builderNames=['b']))\n"
    )
    guests.start()

    [build] = eventually("a build", lambda: guests.get("builds?complete=true"))
    Service.feed = _FEED.format("b" * 40)
    eventually("another change", lambda: len(guests.get("changes")) == 2)

    change = guests.get("changes?order=changeid")[0]
    assert (change["revision"], change["branch"]) == ("a" * 40, "trunk")
    assert build["results"] == SUCCESS


def _posted(path: str) -> list[tuple[str, Any]]:
    return [one for one in Service.posted if one[0].startswith(path)]
