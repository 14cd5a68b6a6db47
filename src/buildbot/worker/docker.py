"""Latent workers in Docker containers."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.errors import error
from buildbot._border.kinds import Given
from buildbot._border.rendering import is_constant
from buildbot.interfaces import (
    LatentWorkerCannotSubstantiate,
    LatentWorkerFailedToSubstantiate,
)
from buildbot.util.latent import CompatibleLatentWorkerMixin
from buildbot.worker.docker_engine import DockerEngine, DockerError, NotFound
from buildbot.worker.docker_host_config import BadSetting, binds, host_config
from buildbot.worker.docker_registry import RegistryLogins, check_login
from buildbot.worker.docker_settings import (
    build_context,
    encryption,
    engine_url,
    image_name,
    with_tag,
)
from buildbot.worker.latent import AbstractLatentWorker
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)

_STOP_SECONDS = 10
"""Seconds that a container's worker gets to end by itself."""
_LINES_TOLD = 20
"""Lines of output that are told of a container that has ended."""
_LINES_SHOWN = 5
"""The same of one that runs."""
_LIVE = ("created", "running", "restarting", "paused")


class DockerLatentWorker(CompatibleLatentWorkerMixin, AbstractLatentWorker):
    """A worker in a Docker container, which is made for a build and removed after the last one.

    The container gets the environment variables BUILDMASTER, BUILDMASTER_PORT,
    BUILDMASTER_PROTOCOL, WORKERNAME and WORKERPASS. It is labelled with this master and worker;
    containers with this master's label that no worker uses are removed.

    Args:
        docker_host (str, renderable): The engine: unix:///var/run/docker.sock, or tcp://HOST:PORT.
        image (str | None, renderable): The container's image.
        command (str | list[str] | None, renderable): What runs in the container, instead of what
            the image says.
        volumes (list[str] | None, renderable): Directories of the engine's host in the container:
            SOURCE:TARGET, SOURCE:TARGET:ro.
        dockerfile (str | None, renderable): A Dockerfile, from which the image is built if the
            engine does not have it; with custom_context the path of an archive that has one.
        version (str | None): The version of the engine's API, such as 1.41.
        tls (Any): True, a dictionary with ca_cert, client_cert and verify, or docker-py's
            TLSConfig.
        followStartupLogs (bool): Whether the container's output is copied to the master's log
            until its worker is connected.
        masterFQDN (str | None, renderable): The master's address as the container knows it, HOST
            or HOST:PORT.
        hostconfig (dict[str, Any] | None, renderable): More settings of the container, with
            docker-py's names or those of the engine's API.
        autopull (bool): Whether an image that the engine does not have is pulled.
        alwaysPull (bool): Whether it is pulled before each start.
        target (str | None, renderable): The stage of the Dockerfile to build.
        custom_context (bool, renderable): Whether dockerfile is the path of an archive.
        encoding (str | None, renderable): How that archive is compressed; the engine finds out
            itself.
        buildargs (dict[str, str] | None, renderable): Arguments for building the image.
        hostname (str | None, renderable): The container's host name.
        registry_auth (dict[str, str] | None, renderable): With what images are pulled: username
            and password, or identitytoken; by default what docker login has kept for the user of
            the master.
    """

    instance: Any = None
    _first_check = 1.0

    @own_arguments
    def checkConfig(
        self,
        name: str,
        password: Any = None,
        docker_host: Any = None,
        image: Any = None,
        command: Any = None,
        volumes: Any = None,
        dockerfile: Any = None,
        version: str | None = None,
        tls: Any = None,
        followStartupLogs: bool = False,
        masterFQDN: Any = None,
        hostconfig: Any = None,
        autopull: bool = False,
        alwaysPull: bool = False,
        target: Any = None,
        custom_context: Any = False,
        encoding: Any = "gzip",
        buildargs: Any = None,
        hostname: Any = None,
        registry_auth: Any = None,
        **kwargs: Any,
    ) -> None:
        """Check the arguments, and keep them."""
        super().checkConfig(name, password, **kwargs)
        given = Given(f'worker "{name}"')
        self.docker_host = given.text("docker_host", docker_host, is_rendered=True)
        self.image = given.text("image", image, is_rendered=True)
        self.command = _command(given, command) or []
        found = given.items("volumes", volumes, of_text=True, is_rendered=True)
        self.volumes = found or []
        self.dockerfile = given.text("dockerfile", dockerfile, is_rendered=True)
        self.version = given.matching(
            "version", version, r"\d+\.\d+|auto", 'a version of the engine\'s API such as "1.41"'
        )
        self.tls = tls
        self.followStartupLogs = given.flag("followStartupLogs", followStartupLogs)
        self.masterFQDN = given.text("masterFQDN", masterFQDN, is_rendered=True)
        self.hostconfig = given.mapping("hostconfig", hostconfig, is_rendered=True) or {}
        self.autopull = given.flag("autopull", autopull)
        self.alwaysPull = given.flag("alwaysPull", alwaysPull)
        self.target = given.text("target", target, is_rendered=True)
        self.custom_context = given.flag("custom_context", custom_context, is_rendered=True)
        self.encoding = given.text("encoding", encoding, is_rendered=True)
        self.buildargs = given.mapping("buildargs", buildargs, of_text=True, is_rendered=True)
        self.hostname = given.text("hostname", hostname, is_rendered=True)
        self.registry_auth = registry_auth
        self._following = Tasks(f"output of worker {name}")
        self._check_settings(name)

    def _check_settings(self, name: str) -> None:
        if not self.docker_host:
            error(f'worker "{name}": docker_host is missing; try "unix:///var/run/docker.sock"')
        if self.image is None and self.dockerfile is None:
            error("DockerLatentWorker: You need to specify at least an image name, or a dockerfile")
        login = _constant(self.registry_auth, None)
        if login is not None and (problem := check_login(login)) is not None:
            error(f'worker "{name}": {problem}')
        try:
            if isinstance(self.docker_host, str) and self.docker_host:
                engine_url(self.docker_host, is_encrypted=bool(self.tls))
            binds(one for one in _constant(self.volumes, ()) if isinstance(one, str))
            host_config(_constant(self.hostconfig, {}))
            encryption(self.tls)
        except (BadSetting, ValueError, TypeError, AttributeError) as wrong:
            error(f'worker "{name}": {wrong}')

    async def renderWorkerProps(self, build_props: Any) -> Any:
        """Return what the container depends on."""
        return tuple(
            [
                await build_props.render(value)
                for value in (
                    self.docker_host,
                    self.image,
                    self.dockerfile,
                    self.command,
                    self.volumes,
                    self.hostconfig,
                    self.custom_context,
                    self.target,
                    self.buildargs,
                    self.hostname,
                    self.masterFQDN,
                )
            ]
        )

    async def start_instance(self, build: Any) -> Any:
        """Make the container and start it; build or pull its image first if necessary."""
        if self.instance is not None:
            raise ValueError("instance active")
        rendered = await self.renderWorkerPropsOnStart(build)
        docker_host, image, dockerfile, command, volumes, hostconfig, *rest = rendered
        custom_context, target, buildargs, hostname, master = rest
        try:
            engine = self._engine(docker_host)
            context = _context(dockerfile, is_archive=bool(custom_context))
            image = image or image_name(context, buildargs, target)
            logins = RegistryLogins(await self._rendered_login(build))
            await self._ensure_image(engine, image, context, (buildargs, target), logins)
            settings = {
                "Image": image,
                "Env": [f"{key}={value}" for key, value in self.worker_environment(master).items()],
                "Labels": self.instance_labels,
                "HostConfig": _host_config(hostconfig or {}, volumes),
            }
            if command:
                settings["Cmd"] = command.split() if isinstance(command, str) else list(command)
            if hostname:
                settings["Hostname"] = hostname
            container = await self._run(engine, docker_host, settings)
        except BadSetting as wrong:
            raise LatentWorkerCannotSubstantiate(str(wrong)) from wrong
        except DockerError as failure:
            raise LatentWorkerFailedToSubstantiate(str(failure)) from failure
        return [container[:12], str(image)]

    async def _rendered_login(self, build: Any) -> Any:
        """Return registry_auth; it is none of what the container depends on, so that a new
        password replaces no container. Raises BadSetting."""
        login = await build.render(self.registry_auth)
        if login is not None and (problem := check_login(login)) is not None:
            raise BadSetting(problem)
        return login

    async def _run(self, engine: DockerEngine, docker_host: str, settings: Any) -> str:
        # Recorded before there is a container, which has this name: wherever the master is killed,
        # it is known what to remove.
        self.instance = {"container": self.instance_name, "docker_host": docker_host}
        await self.record_instance(self.instance)
        container = await engine.create(self.instance_name, settings)
        await engine.start(container)
        if self.followStartupLogs:
            self._following.spawn(self._follow(engine, container), name="copy to the log")
        return container

    async def stop_instance(self, fast: bool = False) -> None:
        """Remove the container."""
        await self._following.close()
        self.resetWorkerPropsOnStop()
        if self.instance is not None:
            engine = self._engine(self.instance["docker_host"])
            await self._remove(engine, self.instance["container"], fast=fast)
            self.instance = None

    async def _remove(self, engine: DockerEngine, container: str, *, fast: bool = True) -> None:
        try:
            if not fast:
                await engine.stop(container, _STOP_SECONDS)
            await engine.remove(container)
        except NotFound:
            _log.debug("container %s is gone already", container)

    async def check_instance(self) -> tuple[bool, str]:
        """Return whether the container runs, or how it ended, and what it printed last."""
        if self.instance is None:
            return True, ""
        engine = self._engine(self.instance["docker_host"])
        try:
            state = await engine.state(self.instance["container"])
            is_well = state.word in _LIVE
            lines = _LINES_SHOWN if is_well else _LINES_TOLD
            told = (await engine.last_output(self.instance["container"], lines)).strip()
        except NotFound:
            return False, "its container was removed"
        except DockerError as failure:
            _log.warning("worker %s: %s", self.name, failure)
            return True, str(failure)
        if is_well:
            told = " / ".join(told.splitlines())
            printed = f"printed last: {told}" if told else "has printed nothing"
            return True, f"its container is {state.word}, and {printed}"
        ended = f"its container has {state.word} with code {state.exit_code}"
        memory = "it used more memory than it may (mem_limit)" if state.is_out_of_memory else ""
        return False, ": ".join(filter(None, [ended, memory, state.error, told]))

    async def find_instances(self) -> list[tuple[str, Any]] | None:
        """Return this master's containers, those that have ended among them."""
        if not isinstance(self.docker_host, str):
            return None
        found = await self._engine(self.docker_host).labelled("chargehand.master", self.fleet_label)
        return [(one["Labels"].get("chargehand.instance", ""), one["Id"]) for one in found]

    async def stop_found_instance(self, value: Any) -> None:
        """Remove one of them."""
        await self._remove(self._engine(self.docker_host), value)

    def instance_place(self) -> str:
        """Return the engine's address."""
        return str(self.docker_host)

    async def stopService(self) -> None:
        """Follow no output any more."""
        await self._following.close()
        await super().stopService()

    async def _ensure_image(
        self,
        engine: DockerEngine,
        image: str,
        context: bytes,
        settings: tuple[Mapping[str, str] | None, str | None],
        logins: RegistryLogins,
    ) -> None:
        if self.autopull and self.alwaysPull:
            await engine.pull(*with_tag(image), await logins.to_pull(image))
        if await engine.has_image(image):
            return
        if context:
            _log.info("worker %s: building image %s", self.name, image)
            question = _build_question(*settings)
            await engine.build(image, context, question, await logins.to_build())
        elif self.autopull:
            _log.info("worker %s: pulling image %s", self.name, image)
            await engine.pull(*with_tag(image), await logins.to_pull(image))
        if not await engine.has_image(image):
            raise LatentWorkerCannotSubstantiate(
                f'Image "{image}" not found on docker host {self.docker_host}; build it there, '
                "or set autopull=True"
            )

    def _engine(self, docker_host: str) -> DockerEngine:
        url, socket = engine_url(docker_host, is_encrypted=bool(self.tls))
        return DockerEngine(url=url, socket=socket, version=self.version, tls=encryption(self.tls))

    async def _follow(self, engine: DockerEngine, container: str) -> None:
        async for line in engine.output(container):
            _log.info("worker %s: container says: %s", self.name, line)
            if self.substantiated:
                return


def _constant(value: Any, otherwise: Any) -> Any:
    return value if is_constant(value) else otherwise


def _context(dockerfile: Any, *, is_archive: bool) -> bytes:
    if not dockerfile:
        return b""
    if not is_archive:
        return build_context(str(dockerfile))
    try:
        return Path(dockerfile).read_bytes()
    except OSError as failure:
        raise BadSetting(f"cannot read the build context: {failure}") from failure


def _host_config(hostconfig: Mapping[str, Any], volumes: Any) -> dict[str, Any]:
    settings = host_config(hostconfig)
    wanted = [*settings.get("Binds", []), *binds(volumes or [])]
    return settings | ({"Binds": wanted} if wanted else {})


def _build_question(buildargs: Mapping[str, str] | None, target: str | None) -> dict[str, str]:
    question = {"buildargs": json.dumps(dict(buildargs))} if buildargs else {}
    return question | ({"target": target} if target else {})


def _command(given: Given, value: Any) -> Any:
    """Return a command, which is a string or a list of them."""
    if isinstance(value, str):
        return value
    return given.items("command", value, of_text=True, is_rendered=True)
