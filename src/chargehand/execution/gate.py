"""Redacts secrets in everything that a build records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import structs

from chargehand.config.trust import TrustConfig
from chargehand.domain.build import Build, Log, LogType, NewLog, Step, StepUrl
from chargehand.domain.builder import VirtualBuilder
from chargehand.domain.canonical import canonical_text
from chargehand.domain.identifiers import (
    BuilderId,
    BuildId,
    MasterId,
    RequestId,
    StepId,
    WorkerId,
)
from chargehand.domain.json import Json
from chargehand.domain.properties import Property
from chargehand.domain.result import Result
from chargehand.domain.retry import Retry
from chargehand.execution.build_services import BuildServices
from chargehand.execution.ports import (
    AddedStep,
    BuildSources,
    BuildStore,
    LogStore,
    StartedBuild,
    StepStore,
)
from chargehand.execution.rules import slug_of
from chargehand.kit.redaction import Redaction
from chargehand.kit.values import replace
from chargehand_wire.addresses import is_plain


def gated(services: BuildServices) -> BuildServices:
    """Return the services for one build, which redact what it records, and make it storable.

    `chargehand.logs.writer` redacts log lines, where they are whole.
    """
    redaction = services.redaction.part()
    return replace(
        services,
        redaction=redaction,
        builds=_GatedBuilds(services.builds, redaction, services.trust),
        steps=_GatedSteps(services.steps, redaction),
        logs=_GatedLogs(services.logs, redaction),
    )


def _recorded(redaction: Redaction) -> Callable[[str], str]:
    """Return what makes texts fit to be recorded: without secrets, and what can be stored."""

    def recorded(text: str) -> str:
        if text.isascii() and not redaction.has_secrets and is_plain(text) and "\0" not in text:
            return text  # As most are.
        return canonical_text(redaction.text(text))

    return recorded


def _virtual(text: Callable[[str], str], virtual: VirtualBuilder) -> VirtualBuilder:
    described = None if virtual.description is None else text(virtual.description)
    tags = tuple(map(text, virtual.tags))
    return structs.replace(virtual, name=text(virtual.name), description=described, tags=tags)


class _GatedBuilds:
    """A BuildStore that redacts secrets, and withholds those of sources that may not have them."""

    def __init__(self, store: BuildStore, redaction: Redaction, trust: TrustConfig) -> None:
        self._store = store
        self._trust = trust
        self._redaction = redaction
        self._text = _recorded(redaction)

    async def start_build(
        self,
        request_ids: Sequence[RequestId],
        builder_id: BuilderId,
        worker_id: WorkerId,
        master_id: MasterId,
        virtual: VirtualBuilder | None = None,
    ) -> StartedBuild:
        if virtual is not None:
            virtual = _virtual(self._text, virtual)
        started = await self._store.start_build(
            request_ids, builder_id, worker_id, master_id, virtual
        )
        for secret, shown in started.sources.secrets.items():
            self._redaction.hide(secret, shown)
        return structs.replace(started, sources=self._allowed(started.sources))

    def _allowed(self, sources: BuildSources) -> BuildSources:
        """Return the sources with properties that show the names of secrets which the build may
        not have: a scheduler, or a build that triggered it, gave them along."""
        level = sources.buildset.trust
        withheld = Redaction()
        for secret, shown in sources.secrets.items():
            if not self._trust.may_use_secret(level, shown.strip("<>")):
                withheld.hide(secret, shown)
        if not withheld.has_secrets:
            return sources
        return structs.replace(sources, properties=withheld.value(sources.properties))

    def set_build_state(self, build: Build, state: str) -> Build:
        return self._store.set_build_state(build, self._text(state))

    def set_build_properties(self, build_id: BuildId, properties: Mapping[str, Property]) -> None:
        self._store.set_build_properties(build_id, self._redaction.value(properties))

    async def amend_properties(self, build_id: BuildId, properties: Mapping[str, Property]) -> None:
        await self._store.amend_properties(build_id, self._redaction.value(properties))

    def add_locks_duration(self, build: Build, seconds: float) -> Build:
        return self._store.add_locks_duration(build, seconds)

    async def finish_build(
        self,
        build: Build,
        result: Result,
        state: str,
        requests: Sequence[RequestId],
        retry: Retry | None = None,
    ) -> Build:
        state = self._text(state)
        if retry is not None:
            retry = structs.replace(retry, reason=self._text(retry.reason))
        return await self._store.finish_build(build, result, state, requests, retry)


class _GatedSteps:
    """A StepStore that redacts secrets."""

    def __init__(self, store: StepStore, redaction: Redaction) -> None:
        self._store = store
        self._redaction = redaction
        self._text = _recorded(redaction)

    async def add_step(
        self,
        build_id: BuildId,
        name: str,
        state: str,
        *,
        started: bool = False,
        log: NewLog | None = None,
    ) -> AddedStep:
        if log is not None and (shown := self._text(log.name)) != log.name:
            log = NewLog(shown, slug_of(shown), log.type)
        return await self._store.add_step(
            build_id, self._text(name), self._text(state), started=started, log=log
        )

    def add_finished_step(
        self, build_id: BuildId, name: str, state: str, result: Result, started_at: float
    ) -> None:
        self._store.add_finished_step(build_id, name, self._text(state), result, started_at)

    def start_step(self, step: Step, *, locks_acquired: bool) -> Step:
        return self._store.start_step(step, locks_acquired=locks_acquired)

    def step_got_locks(self, step: Step) -> Step:
        return self._store.step_got_locks(step)

    def set_step_state(self, step: Step, state: str) -> Step:
        return self._store.set_step_state(step, self._text(state))

    def add_step_url(self, step: Step, url: StepUrl, replaces: str | None = None) -> Step:
        redacted = StepUrl(self._text(url.name), self._text(url.url))
        old = None if replaces is None else self._text(replaces)
        return self._store.add_step_url(step, redacted, old)

    def set_step_statistics(self, step: Step, statistics: Mapping[str, Json]) -> None:
        self._store.set_step_statistics(step, self._redaction.value(statistics))

    def finish_step(self, step: Step, result: Result, state: str, hidden: bool) -> Step:
        return self._store.finish_step(step, result, self._text(state), hidden)


class _GatedLogs:
    """A LogStore that redacts secrets in names; lines are already redacted."""

    def __init__(self, store: LogStore, redaction: Redaction) -> None:
        self._store = store
        self._text = _recorded(redaction)
        self.append = store.append
        self.flush = store.flush
        self.finish = store.finish
        self.read_lines = store.read_lines

    async def open(
        self,
        step_id: StepId,
        name: str,
        slug: str,
        kind: LogType,
        *,
        build_id: BuildId | None = None,
    ) -> Log:
        if (shown := self._text(name)) != name:
            name, slug = shown, slug_of(shown)
        return await self._store.open(step_id, name, slug, kind, build_id=build_id)
