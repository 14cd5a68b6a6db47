"""Workers in real containers."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker_daemon import IMAGE, MOUNTS, DockerDaemon, docker_daemon
from installed_master import SUCCESS, InstalledMaster
from waiting import eventually

pytestmark = pytest.mark.slow

_ROOT = Path(__file__).parents[2]
_STOCK = (
    f"cd /tmp && {_ROOT}/bench/run/stock-worker/bin/buildbot-worker create-worker w "
    "$BUILDMASTER:$BUILDMASTER_PORT $WORKERNAME $WORKERPASS && exec "
    f"{_ROOT}/bench/run/stock-worker/bin/buildbot-worker start --nodaemon w"
)
_OURS = (
    f"cd /tmp && export HOME=/tmp && {Path(sys.executable).parent}/chargehand-worker create-worker "
    "w $BUILDMASTER:$BUILDMASTER_PORT $WORKERNAME $WORKERPASS && exec "
    f"{Path(sys.executable).parent}/chargehand-worker start --nodaemon w"
)


@pytest.fixture(scope="module")
def started_engine() -> Iterator[DockerDaemon]:
    with docker_daemon() as daemon:
        yield daemon


@pytest.fixture
def engine(started_engine: DockerDaemon) -> Iterator[DockerDaemon]:
    yield started_engine
    started_engine.remove_all()  # what a failed test left must not fail the next one


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _configuration(engine: DockerDaemon, command: str, protocol: str, more: str = "") -> str:
    return f"""
c['protocols'] = {{{protocol!r}: {{'port': 'tcp:{_free_port()}:interface=127.0.0.1'}}}}
c['workers'].append(worker.DockerLatentWorker(
    'docker', None, docker_host={engine.address!r}, image={IMAGE!r}, masterFQDN='127.0.0.1',
    command=['/bin/sh', '-c', {command!r}], volumes=[*{MOUNTS!r}, f'{{HERE}}:{{HERE}}'],
    hostconfig={{'network_mode': 'host'}}, master_protocol={protocol!r}, followStartupLogs=True,
    {more}))
add('in-docker', sh('echo in $WORKERNAME; ls -d /tmp/w'), workernames=['docker'])
add('waits', blocking('waits'), workernames=['docker'])
"""


@pytest.mark.parametrize(
    ("command", "protocol"),
    [
        pytest.param(_STOCK, "pb", id="a stock worker"),
        pytest.param(_STOCK + " ", "msgpack_experimental_v7", id="a stock worker with msgpack"),
        pytest.param(_OURS, "native", id="our agent"),
    ],
)
def test_a_build_runs_in_a_container_that_is_removed_after_it(
    command: str, protocol: str, engine: DockerDaemon, master: InstalledMaster
) -> None:
    if protocol.startswith("msgpack"):
        command = command.replace("create-worker", f"create-worker --protocol={protocol}")
    master.write(_configuration(engine, command, protocol, "build_wait_timeout=0"))
    master.start()
    engine.create("somebody-elses", {"chargehand.master": "other"})

    build = master.build("in-docker")

    assert build["results"] == SUCCESS, master.log
    eventually("no container", lambda: engine.containers() == ["somebody-elses"] or None)
    master.stop()


def test_an_image_is_built_from_a_dockerfile(engine: DockerDaemon, master: InstalledMaster) -> None:
    text = _configuration(engine, _STOCK, "pb", f"dockerfile='FROM {IMAGE}\\nENV GREETING=hello'")
    master.write(text.replace(f"image={IMAGE!r}, ", "").replace("echo in", "echo $GREETING in"))
    master.start()

    build = master.build("in-docker")

    assert build["results"] == SUCCESS, master.log
    assert "hello in docker" in master.output(build, "shell")
    assert "container says: " in master.log
    master.stop()
    assert engine.containers() == []


_ENVIRONMENT = """
dockerfile='FROM this-machine\\nENV JAVA_HOME=/opt/java\\nENV API_TOKEN=x'"""


@pytest.mark.parametrize(
    ("options", "seen"),
    [("", True), (" --inherit-environment NODE_*", False)],
    ids=["all", "named"],
)
def test_builds_of_our_agent_see_what_their_image_has_set_and_no_password(
    options: str, seen: bool, engine: DockerDaemon, master: InstalledMaster
) -> None:
    command = _OURS.replace("create-worker w", f"create-worker{options} w")
    text = _configuration(engine, command, "native", _ENVIRONMENT)
    master.write(
        text.replace(f"image={IMAGE!r}, ", "") + "add('shows', sh('env'), workernames=['docker'])\n"
    )
    master.start()

    build = master.build("shows")

    told, log = master.output(build, "shell"), master.lines(build, "shell")
    assert build["results"] == SUCCESS, master.log
    assert ("JAVA_HOME=/opt/java" in told, "API_TOKEN=x" in told) == (seen, seen)
    assert not [line for line in told if line.startswith(("WORKER", "BUILDMASTER"))]
    assert seen == any("API_TOKEN=(not shown: its name looks secret)" in line for line in log)
    master.stop()


@pytest.mark.parametrize("moment", ["while it starts", "while it builds"])
def test_a_master_that_was_killed_leaves_no_container(
    moment: str, engine: DockerDaemon, master: InstalledMaster
) -> None:
    command = "sleep 1000" if moment == "while it starts" else _STOCK
    text = _configuration(engine, command, "pb")
    master.write(text)
    master.start()
    master.force("waits")
    if moment == "while it builds":
        master.wait_for_file("waits.running")
    (container,) = eventually("a container", engine.containers)
    master.kill()
    assert engine.containers() == [container]

    master.write(text.replace("'waits', blocking", "'other', blocking"))
    master.start()

    eventually("its end", lambda: container not in engine.containers() or None, patience=60)
    master.stop()
    assert engine.containers() == []
