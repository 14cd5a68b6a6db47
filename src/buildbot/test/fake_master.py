"""What steps and services find at ``self.master`` in tests."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Mapping
from types import SimpleNamespace
from typing import Any

from twisted.internet.task import Clock

from buildbot._border.bridge import outward, settled
from buildbot.secrets.secret import SecretDetails
from buildbot.test.fake.requests import ExpectedRequests
from buildbot.test.fake_data import FakeData
from buildbot.test.fake_database import FakeDatabase
from buildbot.test.stored_rows import StoredRows
from buildbot.util.service import AsyncMultiService


class FakeQueue:
    """``master.mq``: what is produced goes to those who listen, at once."""

    def __init__(self) -> None:
        self.productions: list[tuple[tuple[str, ...], Any]] = []
        self._consumers: list[tuple[Any, Any]] = []

    def startConsuming(self, callback: Any, pattern: Any, persistent_name: Any = None) -> Any:
        """Call *callback* with the events whose key fits; returns a Deferred of a consumer."""
        consumer = (callback, tuple(pattern))
        self._consumers.append(consumer)

        def stop() -> Any:
            if consumer in self._consumers:
                self._consumers.remove(consumer)
            return settled(None)

        return settled(SimpleNamespace(stopConsuming=stop))

    async def consume(self, callback: Any, patterns: Any) -> Any:
        """Do the same for several patterns."""
        consumers = [await self.startConsuming(callback, one) for one in patterns]

        def stop() -> None:
            for one in consumers:
                one.stopConsuming()

        return SimpleNamespace(stopConsuming=stop)

    def produce(self, routingKey: Any, data: Any) -> None:
        """Send an event."""
        key = tuple(map(str, routingKey))
        self.productions.append((key, data))
        for callback, pattern in list(self._consumers):
            if len(pattern) == len(key) and all(
                wanted in (None, part) for wanted, part in zip(pattern, key, strict=True)
            ):
                callback(key, data)


class FakeSecrets:
    """``master.namedServices["secrets"]``: the secrets of a dictionary."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = dict(secrets)

    def get(self, secret: str, *_: Any, **__: Any) -> Any:
        """Return a Deferred of SecretDetails, of None if there is no such secret."""
        return outward(self.find(secret))

    async def find(self, secret: str) -> SecretDetails | None:
        """Return the secret, None if there is none."""
        value = self._secrets.get(secret)
        return None if value is None else SecretDetails("FakeSecrets", secret, value)


class FakeMaster(AsyncMultiService):
    """A master that has a directory, a clock and a configuration, and no stages.

    ``data``, ``db.state``, ``mq`` and ``httpservice`` keep what the code under test does with them.
    A test gives it what else that uses: ``self.master.botmaster = ...``.
    """

    name: Any = "test"

    def __init__(self, reactor: Any = None) -> None:
        super().__init__()
        self._master = self
        self.reactor = Clock() if reactor is None else reactor
        self.config = SimpleNamespace(
            buildbotURL="http://localhost:8080/", title="Buildbot", logEncoding="utf-8"
        )
        self.masterid = 824
        rows = StoredRows()
        access: Any = SimpleNamespace(engine=SimpleNamespace(data=rows), master=self)
        self.data = FakeData(access)
        self.db = FakeDatabase(access, self.data, rows)
        self.mq = FakeQueue()
        self.httpservice = ExpectedRequests()
        self.scheduler_manager = SimpleNamespace(namedServices={})
        self.unsent: dict[str, list[Any]] = {}

    def __await__(self) -> Generator[Any, Any, FakeMaster]:
        """Tests await it, yield it, or use what ``make_master`` returns at once."""
        yield from ()
        return self

    def addCallback(self, callback: Any, *args: Any, **kwargs: Any) -> Any:
        """Call *callback* with the master: for tests to which ``make_master`` gives a Deferred."""
        return settled(self).addCallback(callback, *args, **kwargs)

    def provide(self, secrets: Mapping[str, str]) -> None:
        """Let code under test render these secrets."""
        self.namedServices["secrets"] = FakeSecrets(secrets)

    @property
    def basedir(self) -> str:
        """A directory of its own, made when it is asked for."""
        directory = self.__dict__.setdefault("_basedir", None)
        if directory is None:
            directory = self.__dict__["_basedir"] = tempfile.mkdtemp(prefix="buildbot-test-")
        return str(directory)
