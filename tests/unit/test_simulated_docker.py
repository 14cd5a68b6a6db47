"""Workers in Docker containers, with an engine that is simulated."""

from __future__ import annotations

import asyncio
import io
import tarfile
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from docker_engine import SimulatedEngine

from buildbot.plugins import util, worker
from buildbot.process.properties import Properties
from buildbot.worker.docker import DockerLatentWorker
from buildbot.worker.docker_host_config import BadSetting, binds, bytes_of, host_config
from buildbot.worker.docker_settings import build_context, engine_url, image_name, with_tag
from buildbot.worker.machine import Machine
from chargehand.domain.instance import FoundInstance, InstanceHealth, InstanceLabels, LeftInstance
from chargehand.domain.session import WorkerNotStarted

_LABELS = InstanceLabels(fleet="f1", worker="w", epoch=3, name="chargehand-f1-w-3-1")


class _Build:
    def __init__(self, **properties: Any) -> None:
        self.build = Properties(**properties)


class _Begun:
    labels = _LABELS

    def __init__(self) -> None:
        self.kept: list[object] = []

    async def connect(self) -> None:
        """Its worker may connect."""

    async def keep(self, handle: object) -> None:
        self.kept.append(handle)


async def _start(made: DockerLatentWorker, **properties: Any) -> _Begun:
    begun = _Begun()
    await Machine(made).start(_Build(**properties), begun)
    return begun


def _worker(host: str, **arguments: Any) -> DockerLatentWorker:
    settings = {"image": "worker", "masterFQDN": "ci.example.com:9989", **arguments}
    return worker.DockerLatentWorker("w", None, docker_host=host, **settings)


async def test_a_container_is_made_as_the_configuration_says(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    async with engine.at(tmp_path / "s") as host:
        made = _worker(
            host,
            command=["run", util.Property("release")],
            volumes=[util.Interpolate("/srv/%(prop:release)s:/cache:ro")],
            hostconfig={"network_mode": "host", "mem_limit": "2g", "binds": ["/a:/b"]},
            hostname="box",
        )
        begun = await _start(made, release="13")

        (name,) = engine.containers
        settings = engine.containers[name]
        assert name == _LABELS.name
        assert settings["Image"] == "worker"
        assert settings["Cmd"] == ["run", "13"]
        assert settings["Hostname"] == "box"
        assert settings["HostConfig"] == {
            "NetworkMode": "host",
            "Memory": 2 << 30,
            "Binds": ["/a:/b", "/srv/13:/cache:ro"],
        }
        environment = dict(one.split("=", 1) for one in settings["Env"])
        assert len(environment.pop("WORKERPASS")) == 20
        assert environment == {
            "BUILDMASTER": "ci.example.com",
            "BUILDMASTER_PORT": "9989",
            "BUILDMASTER_PROTOCOL": "pb",
            "WORKERNAME": "w",
        }
        assert settings["Labels"] == {
            "chargehand.master": "f1",
            "chargehand.worker": "w",
            "chargehand.epoch": "3",
            "chargehand.instance": name,
        }
        # It was recorded before it was made.
        assert begun.kept == [{"container": name, "docker_host": host}]

        await Machine(made).stop(fast=False)
        assert engine.containers == {}
        await Machine(made).stop(fast=True)  # Twice is no error.


async def test_what_a_killed_master_has_left_is_removed(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    async with engine.at(tmp_path / "s") as host:
        (kept,) = (await _start(_worker(host))).kept

        again = Machine(_worker(util.Property("docker_host")))
        await again.restore(LeftInstance(labels=_LABELS, identity=(), handle=kept))
        await again.stop(fast=False)

        assert engine.containers == {}


async def test_only_containers_with_the_masters_label_are_found(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    async with engine.at(tmp_path / "s") as host:
        await _start(_worker(host))
        engine.containers["other"] = {"Labels": {"chargehand.master": "f2"}}
        engine.containers["another"] = {"Labels": {}}
        machine = Machine(_worker(host))

        found = await machine.find("f1")

        assert found == [FoundInstance(name=_LABELS.name, handle=_LABELS.name)]
        await machine.stop_found(found[0])
        assert set(engine.containers) == {"other", "another"}


async def test_an_image_is_built_once_from_its_dockerfile(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    async with engine.at(tmp_path / "s") as host:
        for number in range(2):
            made = _worker(
                host,
                image=None,
                dockerfile="FROM debian\n",
                target="worker",
                buildargs={"A": "b"},
            )
            await _start(made)
            engine.containers.clear()
            assert len(engine.built) == 1, number

        (question,) = engine.built
        assert question["target"] == "worker"
        assert question["buildargs"] == '{"A": "b"}'
        other = _worker(host, image=None, dockerfile="FROM fedora\n")
        await _start(other)
        assert len(engine.built) == 2


@pytest.mark.parametrize(
    ("image", "arguments", "words", "is_final"),
    [
        ("none", {}, 'Image "none" not found on docker host', True),
        ("ci-", {}, '"ci-" is not a valid image name', True),
        ("private", {"autopull": True}, 'private:latest" without a login: access denied', False),
        ("worker", {"custom_context": True, "dockerfile": "/no/such"}, "cannot read", True),
    ],
)
async def test_an_image_that_cannot_be_had(
    image: str, arguments: dict[str, Any], words: str, is_final: bool, tmp_path: Path
) -> None:
    async with SimulatedEngine().at(tmp_path / "s") as host:
        with pytest.raises(WorkerNotStarted, match=words) as raised:
            await _start(_worker(host, image=image, **arguments))
        assert raised.value.is_final is is_final


async def test_an_image_is_pulled_if_that_is_allowed(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    async with engine.at(tmp_path / "s") as host:
        await _start(_worker(host, image="debian:13", autopull=True))
        assert "debian:13" in engine.images
        engine.containers.clear()
        engine.requests.clear()
        await _start(_worker(host, image="debian:13", autopull=True, alwaysPull=True))
        assert engine.requests[0] == "POST images/create"


async def test_an_engine_that_refuses_or_is_not_there(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    engine.refuses_to_start = "no space left on device"
    async with engine.at(tmp_path / "s") as host:
        made = _worker(host)
        with pytest.raises(WorkerNotStarted, match="no space left on device") as raised:
            await _start(made)
        assert not raised.value.is_final
        await Machine(made).stop(fast=False)
        assert engine.containers == {}

    with pytest.raises(
        WorkerNotStarted, match=r"cannot reach the Docker engine at .*: No such file"
    ):
        await _start(_worker(f"unix://{tmp_path}/none"))


async def test_an_engine_that_does_not_answer_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = aiohttp.ClientTimeout(total=0.01)
    monkeypatch.setattr(aiohttp, "ClientTimeout", lambda **_: soon)
    path = str(tmp_path / "s")
    silent = await asyncio.start_unix_server(lambda *_: None, path)
    async with silent:
        with pytest.raises(WorkerNotStarted, match="engine did not answer within 60 s"):
            await _start(_worker(f"unix://{path}"))


async def test_a_container_that_has_ended_says_what_it_printed_last(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    engine.state = {"Status": "exited", "ExitCode": 1}
    engine.output = b"cannot connect to ci.example.com\n"
    async with engine.at(tmp_path / "s") as host:
        made = _worker(host)
        await _start(made)
        machine = Machine(made)
        told = "its container has exited with code 1: cannot connect to ci.example.com"
        assert await machine.health() == InstanceHealth(is_well=False, words=told)
        engine.containers.clear()
        told = "its container was removed"
        assert await machine.health() == InstanceHealth(is_well=False, words=told)
        engine.containers[_LABELS.name] = {}
        engine.state = {"Status": "running"}
        engine.output = b"I am\n" + made.worker_password.encode()
        told = "its container is running, and printed last: I am / ***"
        assert await machine.health() == InstanceHealth(words=told)
        engine.output = b""
        told = "its container is running, and has printed nothing"
        assert await machine.health() == InstanceHealth(words=told)


async def test_a_container_that_was_killed_for_its_memory_says_so(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    engine.state = {"Status": "exited", "ExitCode": 137, "OOMKilled": True}
    async with engine.at(tmp_path / "s") as host:
        made = _worker(host)
        await _start(made)
        told = (await Machine(made).health()).words
        assert told == (
            "its container has exited with code 137: it used more memory than it may (mem_limit)"
        )


async def test_an_image_that_cannot_be_built_says_what_was_printed(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    engine.refuses_to_build = {"error": "make returned a non-zero code: 2"}
    async with engine.at(tmp_path / "s") as host:
        words = r"non-zero code: 2; it printed last: Step 1 / make: \*\*\*$"
        with pytest.raises(WorkerNotStarted, match=words):
            await _start(_worker(host, image=None, dockerfile="FROM debian\nRUN make\n"))


async def test_a_container_fits_builds_that_render_to_the_same(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    engine.images.add("debian-13:latest")
    async with engine.at(tmp_path / "s") as host:
        made = _worker(host, image=util.Interpolate("debian-%(prop:release)s"))
        await _start(made, release="13")

        assert await made.isCompatibleWithBuild(Properties(release="13"))
        assert not await made.isCompatibleWithBuild(Properties(release="12"))


@pytest.mark.parametrize(
    ("address", "is_encrypted", "found"),
    [
        ("unix:///var/run/docker.sock", False, ("http://docker", "/var/run/docker.sock")),
        ("unix://var/run/docker.sock", False, ("http://docker", "/var/run/docker.sock")),
        ("tcp://10.0.0.3:2375", False, ("http://10.0.0.3:2375", None)),
        ("tcp://build", True, ("https://build:2376", None)),
        ("10.0.0.3:4243", False, ("http://10.0.0.3:4243", None)),
        ("tcp://[::1]:2375", False, ("http://[::1]:2375", None)),
        ("https://build:9/docker", False, ("https://build:9/docker", None)),
    ],
)
def test_addresses_of_engines(
    address: str, is_encrypted: bool, found: tuple[str, str | None]
) -> None:
    assert engine_url(address, is_encrypted=is_encrypted) == found


def test_what_is_no_address_is_refused() -> None:
    for address in ("ssh://build", "tcp://", "tcp://host:port"):
        with pytest.raises((BadSetting, ValueError)):
            engine_url(address, is_encrypted=False)


def test_settings_of_containers_have_the_names_of_docker_py_or_of_the_api() -> None:
    given = {
        "mem_limit": "512m",
        "shm_size": 1024,
        "cap_add": "SYS_PTRACE",
        "extra_hosts": {"db": "10.0.0.1"},
        "devices": ["/dev/kvm:/dev/kvm:rwm", "/dev/fuse"],
        "tmpfs": ["/tmp:size=1g"],
        "binds": {
            "/a": {"bind": "/b", "mode": "ro"},
            "/c": {"bind": "/d", "ro": True},
            "/e": {"bind": "/f", "propagation": "shared"},
            "g": "/h",
        },
        "port_bindings": {8080: ("127.0.0.1", 80), "53/udp": None, 1: [2, (3,), ("10.0.0.1",)]},
        "links": {"database": "db"},
        "volumes_from": "a,b:ro",
        "group_add": ["audio", 44],
        "dns_opt": ["use-vc"],
        "cgroupns": "host",
        "device_read_bps": [{"Path": "/dev/sda", "Rate": 1}],
        "device_requests": [{"count": -1, "device_ids": ["0"], "capabilities": [["gpu"]]}],
        "log_config": {"type": "json-file", "config": {"max-size": "1m"}},
        "ulimits": [{"name": "nofile", "soft": 1, "hard": 2}],
        "restart_policy": {"name": "no"},
        "privileged": True,
        "nano_cpus": 5,
        "dns": None,
        "CgroupParent": "ci",
    }
    assert host_config(given) == {
        "Memory": 512 << 20,
        "ShmSize": 1024,
        "CapAdd": ["SYS_PTRACE"],
        "ExtraHosts": ["db:10.0.0.1"],
        "Devices": [
            {"PathOnHost": "/dev/kvm", "PathInContainer": "/dev/kvm", "CgroupPermissions": "rwm"},
            {"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"},
        ],
        "Tmpfs": {"/tmp": "size=1g"},
        "Binds": ["/a:/b:ro", "/c:/d:ro", "/e:/f:rw,shared", "g:/h:rw"],
        "PortBindings": {
            "8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "80"}],
            "53/udp": [{"HostIp": "", "HostPort": ""}],
            "1/tcp": [
                {"HostIp": "", "HostPort": "2"},
                {"HostIp": "", "HostPort": "3"},
                {"HostIp": "10.0.0.1", "HostPort": ""},
            ],
        },
        "Links": ["database:db"],
        "VolumesFrom": ["a", "b:ro"],
        "GroupAdd": ["audio", "44"],
        "DnsOptions": ["use-vc"],
        "CgroupnsMode": "host",
        "BlkioDeviceReadBps": [{"Path": "/dev/sda", "Rate": 1}],
        "DeviceRequests": [{"Count": -1, "DeviceIDs": ["0"], "Capabilities": [["gpu"]]}],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
        "Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 2}],
        "RestartPolicy": {"Name": "no"},
        "Privileged": True,
        "NanoCpus": 5,
        "CgroupParent": "ci",
    }


def test_sizes_volumes_and_images() -> None:
    assert [bytes_of(size) for size in (7, "1k", "1.5M", "2gb")] == [7, 1024, 3 << 19, 2 << 30]
    with pytest.raises(BadSetting):
        bytes_of("much")
    assert binds(["/a:/b", "name:/c:ro"]) == ["/a:/b", "name:/c:ro"]
    for wrong in ("/a", ":/b", "/a:b"):
        with pytest.raises(BadSetting):
            binds([wrong])
    assert with_tag("registry:5000/a") == ("registry:5000/a", "latest")
    assert with_tag("a:1") == ("a", "1")
    assert with_tag("a@sha256:0") == ("a@sha256:0", "")
    names = {
        image_name(context, arguments, target)
        for context in (b"a", b"b")
        for arguments in (None, {"x": "y"})
        for target in (None, "t")
    }
    assert len(names) == 8
    with tarfile.open(fileobj=io.BytesIO(build_context("FROM ä\n"))) as archive:
        member = archive.extractfile("Dockerfile")
        assert member is not None and member.read().decode() == "FROM ä\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"image": None}, "You need to specify at least an image name, or a dockerfile"),
        ({"docker_host": "ssh://x"}, 'docker_host "ssh://x" must begin with unix://'),
        ({"volumes": ["/a"]}, 'volume "/a" must be SOURCE:TARGET'),
        ({"volumes": "/a:/b"}, "volumes must be a list of strings"),
        ({"hostconfig": {"mem_limit": "much"}}, "'much' is not a size"),
        ({"hostconfig": ["privileged"]}, "hostconfig must be a dictionary"),
        ({"hostconfig": {"mem_limt": 1}}, 'no setting "mem_limt"; do you mean "mem_limit"?'),
        ({"hostconfig": {"devices": 5}}, "devices cannot be 5"),
        ({"hostconfig": {"binds": ["/a"]}}, 'volume "/a" must be SOURCE:TARGET'),
        ({"hostconfig": {"binds": {"/a": {"bind": "/b", "ro": True, "mode": "rw"}}}}, "both ro"),
        ({"tls": "yes"}, "tls must be True, a dictionary, or docker-py's TLSConfig"),
        (
            {"tls": {"ca": "ca.pem"}},
            "tls: there is no setting ca; there are assert_hostname, ca_cert",
        ),
        ({"tls": {"ca_cert": "/absent"}}, "tls: cannot use '/absent': .* No such file"),
        ({"tls": {"client_cert": "cert.pem"}}, "tls: cannot use 'cert.pem': "),
        ({"master_protocol": "http"}, "master_protocol must be one of"),
    ],
)
def test_mistakes_are_told_when_the_configuration_is_read(
    arguments: dict[str, Any], words: str
) -> None:
    given = {"docker_host": "tcp://h", "image": "i", **arguments}
    with pytest.raises(Exception, match=words.replace("(", r"\(")):
        worker.DockerLatentWorker("w", "p", **given)
