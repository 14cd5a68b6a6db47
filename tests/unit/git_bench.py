"""A git poller with its stores, for tests with real repositories."""

from __future__ import annotations

import asyncio
from pathlib import Path

from chargehand.intake.git_cache import GitCache
from chargehand.intake.git_command import GitCommand
from chargehand.intake.git_poller import GitPoller, Settings
from chargehand.kit.values import replace
from chargehand.testing.git_repository import Repository
from chargehand.testing.intake import MemoryChangeStore, MemoryStateStore


class Bench:
    """A poller with its stores."""

    def __init__(self, tmp_path: Path, repository: Repository) -> None:
        self.settings = Settings(url=repository.url, directory=str(tmp_path / "work"))
        self.state = MemoryStateStore()
        self.store = MemoryChangeStore(self.state)
        self.lock = asyncio.Lock()

    def poller(self, name: str = "p", **settings: object) -> GitPoller:
        """Make a poller as a master that starts would."""
        chosen = replace(self.settings, **settings)
        git = GitCommand(binary=chosen.binary, slots=asyncio.Semaphore(2))
        directory = Path(chosen.directory)
        return GitPoller(
            name=name,
            settings=chosen,
            git=git,
            cache=GitCache(
                owner=name, url=chosen.url, directory=directory, git=git, lock=self.lock
            ),
            state=self.state,
            publish=self.store.add,
        )

    def seen(self) -> list[tuple[str | None, str]]:
        return [(change.branch, change.comments) for change in self.store.changes]
