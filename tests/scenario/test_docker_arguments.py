"""What the arguments of a worker in containers do with a real engine."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from connections import free_port
from docker_daemon import IMAGE, MOUNTS, DockerDaemon, docker_daemon
from docker_registry import docker_registry
from waiting import until

from buildbot.plugins import util, worker
from buildbot.process.properties import Properties
from buildbot.worker.docker import DockerLatentWorker
from buildbot.worker.machine import Machine
from chargehand.domain.instance import InstanceLabels
from chargehand.domain.session import WorkerNotStarted

pytestmark = pytest.mark.slow

_SHELL = ["/bin/sh", "-c"]


class _Build:
    def __init__(self, **properties: Any) -> None:
        self.build = Properties(**properties)


class _Begun:
    def __init__(self, number: int) -> None:
        name = f"chargehand-f1-w-1-{number}"
        self.labels = InstanceLabels(fleet="f1", worker="w", epoch=1, name=name)

    async def connect(self) -> None:
        """Its worker may connect."""

    async def keep(self, handle: object) -> None:
        """It is recorded."""


class _Started:
    """Workers whose containers were started in one engine."""

    def __init__(self, engine: DockerDaemon) -> None:
        self.engine = engine
        self._number = 0

    def worker(self, **arguments: Any) -> DockerLatentWorker:
        settings = {
            "docker_host": self.engine.address,
            "image": IMAGE,
            "masterFQDN": "ci.example.com:9989",
            "hostconfig": {"network_mode": "none"},
            **arguments,
        }
        return worker.DockerLatentWorker("w", None, **settings)

    async def start(self, made: DockerLatentWorker, **properties: Any) -> dict[str, Any]:
        """Start its container, and return what the engine knows of it."""
        self._number += 1
        begun = _Begun(self._number)
        await Machine(made).start(_Build(**properties), begun)
        return self.engine.container(begun.labels.name)

    async def ended(self, container: dict[str, Any]) -> int:
        """Wait for its end, and return how it ended."""

        def state() -> Any:
            return self.engine.container(container["Id"])["State"]

        await until(lambda: not state()["Running"])
        return int(state()["ExitCode"])


@pytest.fixture(scope="module")
def started_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DockerDaemon, Any]]:
    authority = Authority(tmp_path_factory.mktemp("tls") / "ca")
    certificate, key = authority.signed("engine")
    port = free_port()
    with docker_daemon(
        *("-H", f"tcp://127.0.0.1:{port}", "--tlsverify"),
        *("--tlscacert", str(authority.certificate)),
        *("--tlscert", str(certificate), "--tlskey", str(key)),
    ) as daemon:
        yield daemon, (f"tcp://127.0.0.1:{port}", authority)


@pytest.fixture
def made(started_engine: tuple[DockerDaemon, Any]) -> Iterator[_Started]:
    yield _Started(started_engine[0])
    started_engine[0].remove_all()


async def test_everything_may_depend_on_the_build(made: _Started, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "told").write_text("by the host")
    docker_host, image, out = made.engine.address, IMAGE, f"{tmp_path}/out"
    one = made.worker(
        docker_host=util.Property("docker_host"),
        image=util.Property("image"),
        command=[
            *_SHELL,
            "cd /out; cat /in/told > told; touch /in/x 2> refused; hostname > hostname; "
            "env > environment; ulimit -n > files; grep -c : /proc/net/dev > interfaces; "
            "grep db /etc/hosts > hosts; touch /x 2> root; df /scratch > scratch; echo done",
        ],
        volumes=[*MOUNTS, util.Interpolate(f"{tmp_path}/in:/%(prop:where)s:ro"), f"{out}:/out"],
        hostconfig=util.Transform(
            lambda mode: {
                "network_mode": mode,
                "mem_limit": "64m",
                "memswap_limit": "64m",
                "nano_cpus": 500_000_000,
                "tmpfs": ["/scratch:size=1m"],
                "ulimits": [{"name": "nofile", "soft": 100, "hard": 200}],
                "extra_hosts": {"db": "10.0.0.1"},
                "read_only": True,
                "pids_limit": 50,
                "cap_drop": ["ALL"],
                "log_config": {"type": "json-file", "config": {"max-size": "1m"}},
                "dns_opt": ["use-vc"],
                "group_add": [44],
                "cgroupns": "host",
            },
            util.Property("mode"),
        ),
        hostname=util.Property("hostname"),
        masterFQDN=util.Property("master"),
    )

    container = await made.start(
        one,
        docker_host=docker_host,
        image=image,
        where="in",
        mode="none",
        hostname="box",
        master="ci.example.com:1234",
    )

    assert await made.ended(container) == 0
    read = {path.name: path.read_text().strip() for path in Path(out).iterdir()}
    assert read["told"] == "by the host"
    assert "Read-only" in read["refused"] and "Read-only" in read["root"]
    assert (read["hostname"], read["files"], read["interfaces"]) == ("box", "100", "1")
    assert read["hosts"].split() == ["10.0.0.1", "db"]
    assert "1024" in read["scratch"].split()
    told = dict(line.partition("=")[::2] for line in read["environment"].splitlines())
    assert told["BUILDMASTER"] == "ci.example.com"
    assert told["BUILDMASTER_PORT"] == "1234"
    assert told["WORKERNAME"] == "w" and len(told["WORKERPASS"]) == 20
    settings = container["HostConfig"]
    assert settings["Memory"] == settings["MemorySwap"] == 64 << 20
    assert (settings["NanoCpus"], settings["PidsLimit"]) == (500_000_000, 50)
    assert (settings["DnsOptions"], settings["GroupAdd"]) == (["use-vc"], ["44"])
    assert (settings["CgroupnsMode"], settings["CapDrop"]) == ("host", ["ALL"])
    assert settings["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "1m"}}


async def test_a_command_may_be_one_text(made: _Started) -> None:
    container = await made.start(made.worker(command="/bin/sleep 0", volumes=MOUNTS))
    assert container["Config"]["Cmd"] == ["/bin/sleep", "0"]
    assert await made.ended(container) == 0


async def test_a_container_gets_the_network_that_was_made_for_it(made: _Started) -> None:
    made.engine.create_network("ci")
    hostconfig = {"network_mode": util.Property("network")}
    one = made.worker(command="/bin/sleep 100", volumes=MOUNTS, hostconfig=hostconfig)

    container = await made.start(one, network="ci")

    assert list(container["NetworkSettings"]["Networks"]) == ["ci"]
    await Machine(one).stop(fast=True)
    with pytest.raises(WorkerNotStarted, match="network absent not found"):
        await made.start(one, network="absent")


_STAGES = f"""
FROM {IMAGE} AS first
ARG RELEASE=none
LABEL release=$RELEASE stage=first
FROM {IMAGE}
LABEL stage=last
"""


async def test_an_image_is_built_with_its_arguments_up_to_its_target(made: _Started) -> None:
    one = made.worker(
        image=None,
        dockerfile=util.Property("dockerfile"),
        buildargs={"RELEASE": util.Property("release")},
        target=util.Property("target"),
        command="/bin/sleep 100",
        volumes=MOUNTS,
    )

    first = await made.start(one, dockerfile=_STAGES, release="13", target="first")
    await Machine(one).stop(fast=True)
    again = await made.start(one, dockerfile=_STAGES, release="13", target="first")
    await Machine(one).stop(fast=True)
    other = await made.start(one, dockerfile=_STAGES, release="14", target="first")

    assert first["Config"]["Labels"].items() >= {"release": "13", "stage": "first"}.items()
    assert again["Image"] == first["Image"]
    assert other["Config"]["Labels"]["release"] == "14"
    assert not await one.isCompatibleWithBuild(
        Properties(dockerfile=_STAGES, release="15", target="first")
    )


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
async def test_an_image_is_built_from_an_archive(
    compression: str, made: _Started, tmp_path: Path
) -> None:
    archive = tmp_path / "context.tar"
    mode: Any = f"w:{compression}"
    with tarfile.open(archive, mode) as tar:
        for name, text in {
            "Dockerfile": f"FROM {IMAGE}\nCOPY told /told\nLABEL compression=x{compression}\n",
            "told": "by the archive",
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    one = made.worker(
        image=None,
        dockerfile=util.Property("archive"),
        custom_context=True,
        encoding=util.Property("encoding"),
        command=[*_SHELL, "grep -q 'by the archive' /told"],
        volumes=MOUNTS,
    )

    container = await made.start(
        one, archive=str(archive), encoding={"gz": "gzip"}.get(compression)
    )

    assert await made.ended(container) == 0


async def test_the_image_that_is_there_is_used_whatever_the_dockerfile_says(made: _Started) -> None:
    one = made.worker(dockerfile="FROM nothing", command="/bin/true", volumes=MOUNTS)
    assert await made.ended(await made.start(one)) == 0


async def test_a_dockerfile_names_the_image_that_is_not_there(made: _Started) -> None:
    one = made.worker(image="mine:1", dockerfile=f"FROM {IMAGE}\nLABEL a=b", command="/bin/true")
    with pytest.raises(WorkerNotStarted, match="no such file"):  # its image has nothing in it
        await made.start(one)
    assert made.engine.image("mine:1")["Config"]["Labels"] == {"a": "b"}


async def test_an_image_is_pulled_when_it_is_not_there_or_always(made: _Started) -> None:
    with docker_registry() as registry:
        registry.publish("1")

        def pulling(**more: bool) -> DockerLatentWorker:
            return made.worker(
                image=registry.image, command="/bin/sleep 100", volumes=MOUNTS, **more
            )

        async def release(one: DockerLatentWorker) -> str:
            container = await made.start(one)
            await Machine(one).stop(fast=True)
            return str(container["Config"]["Labels"]["release"])

        for never in ({}, {"alwaysPull": True}):
            with pytest.raises(WorkerNotStarted, match="or set autopull=True"):
                await made.start(pulling(**never))
        assert await release(pulling(autopull=True)) == "1"
        registry.publish("2")
        pulls = registry.pulls
        assert await release(pulling(autopull=True)) == "1"
        assert registry.pulls == pulls
        assert await release(pulling(autopull=True, alwaysPull=True)) == "2"


async def test_a_private_image_is_pulled_with_a_login(made: _Started) -> None:
    with docker_registry("ann:secret word") as registry:
        registry.publish("1")
        settings = {
            "image": registry.image,
            "command": "/bin/true",
            "volumes": MOUNTS,
            "autopull": True,
        }
        login = {"username": "ann", "password": util.Property("password")}
        with pytest.raises(WorkerNotStarted, match=r"cannot pull image .* without a login"):
            await made.start(made.worker(**settings))
        with pytest.raises(WorkerNotStarted) as refused:
            await made.start(made.worker(**settings, registry_auth=login), password="other word")
        assert "other word" not in str(refused.value)

        one = made.worker(**settings, registry_auth=login)
        assert await made.ended(await made.start(one, password="secret word")) == 0


class _DockerPysTLSConfig:
    """Has the attributes that docker-py's has."""

    def __init__(self, ca_cert: str | None, cert: tuple[str, str], *, verify: object) -> None:
        self.ca_cert = ca_cert
        self.cert = cert
        self.verify = verify


async def test_an_engine_is_reached_with_tls(
    made: _Started, started_engine: Any, tmp_path: Path
) -> None:
    docker_host, authority = started_engine[1]
    certificate, key = map(str, authority.signed("master"))
    known = str(authority.certificate)
    stranger = Authority(tmp_path / "stranger")
    settings = {"docker_host": docker_host, "command": "/bin/true", "volumes": MOUNTS}

    for tls in (
        {"ca_cert": known, "client_cert": (certificate, key)},
        {"client_cert": (certificate, key), "verify": False},
        _DockerPysTLSConfig(known, (certificate, key), verify=True),
        _DockerPysTLSConfig(known, (certificate, key), verify=None),
        _DockerPysTLSConfig(None, (certificate, key), verify=known),
    ):
        one = made.worker(**settings, tls=tls)
        assert await made.ended(await made.start(one)) == 0
        await Machine(one).stop(fast=True)
    refused: Any
    for refused, words in (
        (None, "HTTP request to an HTTPS server"),
        ({"ca_cert": known}, "certificate"),
        (True, "certificate verify failed"),
        ({"ca_cert": str(stranger.certificate)}, "certificate verify failed"),
    ):
        with pytest.raises(WorkerNotStarted, match=words):
            await made.start(made.worker(**settings, tls=refused))
    with pytest.raises(Exception, match="tls: cannot use"):
        made.worker(**settings, tls={"client_cert": (key, certificate)})


async def test_a_version_that_the_engine_does_not_speak_is_told(made: _Started) -> None:
    settings = {"command": "/bin/true", "volumes": MOUNTS}
    for spoken in ("1.41", "auto"):
        assert await made.ended(await made.start(made.worker(**settings, version=spoken))) == 0
    with pytest.raises(WorkerNotStarted, match=r"client version 9\.99 is too new"):
        await made.start(made.worker(**settings, version="9.99"))


async def test_what_a_container_prints_is_copied_to_the_log(
    made: _Started, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    script = "echo one; echo two >&2; printf 'long %0100000d\\n' 7; printf 'half'; exec sleep 100"
    one = made.worker(command=[*_SHELL, script], volumes=MOUNTS, followStartupLogs=True)
    await made.start(one)
    await until(lambda: "long" in caplog.text)
    (long,) = [line.getMessage() for line in caplog.records if "long" in line.getMessage()]
    assert long.endswith("7") and len(long) > 100_000
    await Machine(one).stop(fast=True)
    said = [one.getMessage() for one in caplog.records if "container says" in one.getMessage()]
    assert {text.rpartition(": ")[2][:5] for text in said} >= {"one", "two", "long "}
