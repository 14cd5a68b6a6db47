"""A repository and a worker on which builds of Git steps run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from buildbot._border.bridge import install
from buildbot.process.factory import BuildFactory
from buildbot.process.recipe import Recipe
from buildbot.steps.source.git import Git
from buildbot.steps.source.svn import SVN
from chargehand.config.model import WorkerConfig
from chargehand.domain.build import Build
from chargehand.domain.session import Session
from chargehand.domain.source_stamp import SourceStamp
from chargehand.links.native.local import LocalLinks
from chargehand.links.native.local_listener import LocalListener
from chargehand.testing.execution import Workshop, sources_of
from chargehand.testing.git_repository import Repository


class Registry:
    def __init__(self) -> None:
        self.session: asyncio.Future[Session] = asyncio.get_running_loop().create_future()

    async def attach(self, session: Session) -> None:
        self.session.set_result(session)

    def changed(self, session: Session) -> None:
        pass

    def is_idle(self, worker_name: str) -> bool:
        return True

    def login_refused(self, worker_name: str, reason: str) -> None:
        raise AssertionError(f"worker {worker_name} was refused: {reason}")

    async def stop_requested(self, worker_name: str) -> None:
        raise AssertionError(f"worker {worker_name} asked to be shut down")

    def not_started(self, worker_name: str, reason: str) -> None:
        raise AssertionError(f"worker {worker_name} could not be started: {reason}")

    async def detach(self, session: Session, reason: str) -> None:
        pass


class Field:
    """A repository and a worker; `build` runs a build of steps there."""

    def __init__(self, repository: Repository, session: Session, directory: Path) -> None:
        self.repository = repository
        self.directory = directory / "b1"
        self.workshop: Any = None
        self._session = session

    async def build(self, *steps: Any, **stamp: Any) -> Build:
        sources = sources_of(SourceStamp(**stamp))
        install(asyncio.get_running_loop())
        plan = Recipe(BuildFactory(list(steps)), lambda: None)
        self.workshop = Workshop(plan, session=self._session, sources=sources)
        build: Build = await self.workshop.run()
        return build

    async def check_out(self, *, stamp: dict[str, Any] | None = None, **arguments: Any) -> Build:
        return await self.build(SVN(**arguments), **(stamp or {}))

    async def get(self, *, stamp: dict[str, Any] | None = None, **arguments: Any) -> Build:
        return await self.build(Git(repourl=self.repository.url, **arguments), **(stamp or {}))

    def files(self, workdir: str = "build") -> set[str]:
        return {path.name for path in (self.directory / workdir).iterdir()} - {".git", ".svn"}

    def property(self, name: str) -> Any:
        [build] = self.workshop.builds.builds
        return self.workshop.builds.properties[build].get(name, (None,))[0]

    def commands(self) -> list[str]:
        """The commands of git and svn that were run, from the log's headers."""
        lines = self.workshop.logs.text("stdio").splitlines()
        return [line[1:] for line in lines if line.startswith(("hgit ", "hsvn "))]


@asynccontextmanager
async def started_field(tmp_path: Path) -> AsyncIterator[Field]:
    """Start an agent in that directory."""
    repository = Repository(tmp_path)
    repository.commit("first", "a")
    repository.push()
    registry = Registry()
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    reception = LocalListener(tmp_path / "agents")
    links = LocalLinks(reception=reception, directory=tmp_path, environment=environment)
    link = links(WorkerConfig(name="w", kind="local"), registry)
    await link.start()
    yield Field(repository, await registry.session, tmp_path / "w")
    await link.stop()
    await reception.close()
