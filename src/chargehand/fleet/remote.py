"""Workers that log in from elsewhere: their credentials, and whose session counts."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Protocol

import msgspec

from chargehand.config.model import MasterConfig, WorkerConfig
from chargehand.domain.refused_login import RefusedLogin
from chargehand.domain.session import Session, SessionState
from chargehand.fleet.ports import Registry
from chargehand.fleet.refusals import LoginRefused, RefusalLog
from chargehand.kit.asking import answer
from chargehand.kit.clock import Clock
from chargehand.kit.guard import guarded
from chargehand.kit.hashed_passwords import is_hashed, matches
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)

_ANSWER_SECONDS = 10.0
"""Seconds that an older session has to show that its worker is still there."""
_UNKNOWN = "the name is unknown, or the password is wrong"
"""What a refused worker is told; it does not say which check failed."""
_NOT_WAITING = (
    "no machine of this worker is expected: none was started, or it was given up or stopped"
)

IsRight = Callable[[str], bool | Awaitable[bool]]
"""Compares what a worker sent with the password that it ought to have, in constant time."""


def same_as(given: str) -> IsRight:
    """Compare a password that a worker sent as it is; it may be stored as a hash."""

    async def is_right(stored: str) -> bool:
        if is_hashed(stored):
            return await asyncio.to_thread(matches, stored, given)
        return matches(stored, given)

    return is_right


TellBuilders = Callable[[Mapping[str, str], bool], Coroutine[object, object, None]]
"""Tells a worker its builders, with their directories; the flag allows it to forget others."""


class RemoteSession(Session, Protocol):
    """The session of a worker that has logged in."""

    @property
    def address(self) -> str:
        """Where the worker connects from, for people."""

    @property
    def why_lost(self) -> str:
        """Why it was lost; empty while it is not."""

    async def is_alive(self) -> bool:
        """Return whether its worker answers; called when another one logs in with its name."""

    async def shut_down(self) -> None:
        """Have the worker's process exit, and end the session."""


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """A worker whose name and password are right."""

    config: WorkerConfig
    directories: Mapping[str, str]
    """The directories of its builders below the worker's own, by the builders' names."""
    link: RemoteLink
    """Takes the session."""


class RemoteWorkers:
    """Makes the links of remote workers, and lets workers in; shared by all protocols."""

    def __init__(self, *, clock: Clock) -> None:
        self._configs: dict[str, WorkerConfig] = {}
        self._directories: dict[str, dict[str, str]] = {}
        self._links: dict[str, RemoteLink] = {}
        self._registry: Registry | None = None
        self._refusals = RefusalLog(clock=clock)

    def introduce(self, registry: Registry) -> None:
        """Show refused logins on the pages of workers, also of those that are not expected."""
        self._registry = registry

    def reconfigure(self, config: MasterConfig) -> None:
        """Use the passwords and builders of this configuration; connections stay open."""
        self._configs = {worker.name: worker for worker in config.workers}
        self._directories = defaultdict(dict)
        for builder in config.builders:
            for name in builder.worker_names:
                self._directories[name][builder.name] = builder.worker_builddir

        for name, link in self._links.items():
            link.configure_builders(self._directories.get(name, {}))

    def __call__(self, config: WorkerConfig, registry: Registry) -> RemoteLink:
        """Return the link of a worker, which lets it log in once it is started."""
        return RemoteLink(
            config=config,
            registry=registry,
            links=self._links,
            builders=self._directories.get(config.name, {}),
        )

    def config(self, name: str) -> WorkerConfig | None:
        """Return a worker's configuration as it is now."""
        return self._configs.get(name)

    def keepalive_interval(self, name: str) -> float | None:
        """Return how often to test a worker's connection; None for never."""
        config = self._configs.get(name)
        interval = None if config is None else config.settings.get("keepalive_interval")
        return float(interval) if isinstance(interval, int | float) else None

    async def admit(self, name: str, *, is_right: IsRight, address: str) -> Admitted:
        """Check a worker's name and password. Raises LoginRefused."""
        config, link = self._configs.get(name), self._links.get(name)
        if config is not None and config.instance is not None and link is not None:
            config = link.config  # The machine that runs may have got a password of its own.
        password = None if config is None else await self._password(config)
        found = is_right(password or "")  # Unknown names cost the same time.
        is_known = (found if isinstance(found, bool) else await found) and bool(password)
        try:
            if config is None:
                raise LoginRefused("no worker of this name is configured", told=_UNKNOWN)
            if config.password is None:
                raise LoginRefused("it has no password: the master starts it itself", told=_UNKNOWN)
            if not is_known:
                raise LoginRefused(_why_wrong(config, password), told=_UNKNOWN)
            if link is None:
                raise LoginRefused(_why_not_expected(config))
        except LoginRefused as refusal:
            self.refused(name, refusal.reason, address=address)
            raise
        directories = self._directories.get(name, {})
        return Admitted(config=config, directories=directories, link=link)

    @property
    def refused_logins(self) -> Sequence[RefusedLogin]:
        """The logins that were refused last, the newest first."""
        return self._refusals.latest

    def refused(self, name: str, reason: str, *, address: str) -> None:
        """Show that a login was refused: in the log, and on the worker's page."""
        words = self._refusals.note(name, reason, address)
        link = self._links.get(name)
        registry = self._registry if link is None else link.registry
        if registry is not None:
            registry.login_refused(name, words)

    async def _password(self, config: WorkerConfig) -> str | None:
        if isinstance(config.password, str):
            return config.password
        if not callable(config.password):
            return None
        with guarded(_log, "cannot get the password of worker %s", config.name):
            found = await answer(config.password(), name=f"password of worker {config.name}")
            return None if found is None else str(found)
        return None


class RemoteLink:
    """The place of one worker: takes its sessions, one at a time."""

    def __init__(
        self,
        *,
        config: WorkerConfig,
        registry: Registry,
        links: dict[str, RemoteLink],
        builders: Mapping[str, str],
    ) -> None:
        self.registry = registry
        self.config = config
        """The worker's configuration when this was made."""
        self._builders = builders
        self._tell_builders: TellBuilders | None = None
        self._may_forget = True
        """Whether the worker has heard which builders it has no more."""
        self._name = config.name
        self._links = links
        self._session: RemoteSession | None = None
        self._turn = asyncio.Lock()
        """Held while sessions change."""
        self._tasks = Tasks(f"remote worker {config.name}")
        self.is_let_go = False
        """Whether the worker was told to exit, so that it was started by somebody if it comes."""

    @property
    def session(self) -> RemoteSession | None:
        """The session that counts."""
        return self._session

    async def start(self) -> None:
        """Let the worker log in."""
        self._links[self._name] = self

    async def stop(self) -> None:
        """Let it log in no more, and end its session."""
        self.close_door()
        async with self._turn:
            await self._end()
        await self._tasks.close()

    def close_door(self) -> None:
        """Let the worker log in no more; the session that it has goes on."""
        if self._is_open:
            del self._links[self._name]

    async def shut_down(self) -> None:
        """Have the worker's process exit; it may log in again when somebody starts it."""
        self.is_let_go = True
        async with self._turn:
            if self._session is not None:
                await self._session.shut_down()
            await self._end()

    def configure_builders(self, directories: Mapping[str, str]) -> None:
        """Tell the worker which builders it has, if these are others than before.

        It keeps what it has while builds run, which may be of builders that were removed.
        """
        if directories != self._builders:
            self._builders, self._may_forget = directories, False
            self._tell_later()

    def became_idle(self) -> None:
        """No build runs on the worker any more."""
        if not self._may_forget:
            self._tell_later()

    def _tell_later(self) -> None:
        tell = self._tell_builders
        if tell is not None and self._session is not None:
            self._may_forget = self.registry.is_idle(self._name)
            self._tasks.spawn(tell(self._builders, self._may_forget), name="builders of a worker")

    async def attach(
        self, session: RemoteSession, *, tell_builders: TellBuilders | None = None
    ) -> None:
        """Let builds use a session from now on. Raises LoginRefused.

        One that the worker has already ends, unless the worker answers there. *tell_builders* is
        called when the worker's builders have changed.
        """
        async with self._turn:
            former = self._session
            if former is not None and former.state is not SessionState.LOST:
                await self._supersede(former, session)
            await self._end()
            if session.state is SessionState.LOST:
                raise LoginRefused("its connection was lost immediately")
            if not self._is_open:
                is_started = self.config.instance is not None
                gone = _NOT_WAITING if is_started else "it was removed from the configuration"
                raise LoginRefused(gone)
            self._session, self._tell_builders = session, tell_builders
            await self.registry.attach(session)
            self.is_let_go = False
            self._tell_later()  # They may have changed while it logged in.

    async def _supersede(self, former: RemoteSession, session: RemoteSession) -> None:
        if await _is_alive(former):
            raise LoginRefused(
                f"a worker of this name is connected from {former.address}, and answers; "
                "each worker needs its own name"
            )
        _log.warning(
            'worker "%s" has connected from %s, and is no longer responding at %s; closing '
            "the older connection",
            self._name,
            session.address,
            former.address,
        )

    def changed(self, session: RemoteSession) -> None:
        """Note that a session's state has changed."""
        if session is not self._session:
            return
        self.registry.changed(session)
        if session.state is SessionState.LOST:
            self._tasks.spawn(self._detach(session), name="lost session")

    def stop_requested(self) -> None:
        """The worker asks to be shut down as soon as it has no more builds."""
        self._tasks.spawn(self.registry.stop_requested(self._name), name="stop on request")

    @property
    def _is_open(self) -> bool:
        return self._links.get(self._name) is self

    async def _detach(self, session: RemoteSession) -> None:
        async with self._turn:
            if self._session is session:
                await self._end()

    async def _end(self) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        if session.state is not SessionState.LOST:
            await session.close()
            self.registry.changed(session)
        await self.registry.detach(session, session.why_lost)


async def _is_alive(session: RemoteSession) -> bool:
    with guarded(_log, "cannot check whether worker %s is alive", session.worker_name):
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await session.is_alive()
        except TimeoutError:
            return False
    return False


def _why_wrong(config: WorkerConfig, stored: str | None) -> str:
    if stored is not None and is_hashed(stored):
        return (
            "wrong password. It is stored as a hash, which cannot be checked for workers that "
            "log in with Buildbot's PB protocol: store it in clear text"
        )
    if config.instance is not None:
        return "wrong password, or that of a machine that was given up or stopped earlier"
    return "wrong password"


def _why_not_expected(config: WorkerConfig) -> str:
    if config.instance is not None:
        return _NOT_WAITING
    return "its former connection is still being closed"
