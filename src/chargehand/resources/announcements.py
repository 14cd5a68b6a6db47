"""Events as clients of the live connections get them: their keys, and the resource."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chargehand.domain.build import Build, Log, Step
from chargehand.domain.buildset import BuildRequest
from chargehand.events import messages
from chargehand.events.messages import Event
from chargehand.resources.shown import (
    Resource,
    build_resource,
    buildset_resource,
    change_resource,
    log_resource,
    properties_resource,
    request_resource,
    step_resource,
    worker_resource,
)

Key = tuple[str, ...]
Announcement = tuple[tuple[Key, ...], Resource]
"""The keys under which something is told, and the whole resource."""


def announcement(event: Event) -> Announcement:
    """Return what clients are told of *event*, which is of one of `EVENT_TYPES`."""
    return _TABLE[type(event)][1](event)


def beginnings(event_type: type[Event]) -> frozenset[str]:
    """Return how the keys of such events begin, so that nothing is made that nobody wants."""
    return _TABLE[event_type][0]


def _build(verb: str) -> Callable[[Any], Announcement]:
    def tell(event: Any) -> Announcement:
        build: Build = event.build
        keys = (
            ("builders", str(build.builder_id), "builds", str(build.number), verb),
            ("builds", str(build.id), verb),
            ("workers", str(build.worker_id), "builds", str(build.id), verb),
        )
        return keys, build_resource(build)

    return tell


def _step(verb: str) -> Callable[[Any], Announcement]:
    def tell(event: Any) -> Announcement:
        step: Step = event.step
        keys = (
            ("builds", str(step.build_id), "steps", str(step.id), verb),
            ("steps", str(step.id), verb),
        )
        return keys, step_resource(step)

    return tell


def _log(verb: str) -> Callable[[Any], Announcement]:
    def tell(event: Any) -> Announcement:
        log: Log = event.log
        keys = (
            ("logs", str(log.id), verb),
            ("steps", str(log.step_id), "logs", log.slug, verb),
        )
        return keys, log_resource(log)

    return tell


def _request(verb: str) -> Callable[[Any], Announcement]:
    def tell(event: Any) -> Announcement:
        return _request_keys(event.request, verb), request_resource(event.request)

    return tell


def _pending(verb: str) -> Callable[[Any], Announcement]:
    def tell(event: Any) -> Announcement:
        request: BuildRequest = event.pending.request
        return _request_keys(request, verb), request_resource(request)

    return tell


def _request_keys(request: BuildRequest, verb: str) -> tuple[Key, ...]:
    return (
        ("buildrequests", str(request.id), verb),
        ("builders", str(request.builder_id), "buildrequests", str(request.id), verb),
    )


def _worker(verb: str) -> Callable[[Any], Announcement]:
    def tell(event: Any) -> Announcement:
        return (("workers", str(event.worker.id), verb),), worker_resource(event.worker)

    return tell


def _master(verb: str) -> Callable[[Any], Announcement]:
    def tell(event: Any) -> Announcement:
        body = {"masterid": event.master_id, "name": event.name, "active": verb == "started"}
        return (("masters", str(event.master_id), verb),), body

    return tell


def _buildset_submitted(event: messages.BuildsetSubmitted) -> Announcement:
    body = buildset_resource(event.buildset) | {"scheduler": event.scheduler}
    return (("buildsets", str(event.buildset.id), "new"),), body


def _buildset_completed(event: messages.BuildsetCompleted) -> Announcement:
    keys = (("buildsets", str(event.buildset.id), "complete"),)
    return keys, buildset_resource(event.buildset)


def _change_added(event: messages.ChangeAdded) -> Announcement:
    return (("changes", str(event.change.id), "new"),), change_resource(event.change)


def _properties_updated(event: messages.BuildPropertiesUpdated) -> Announcement:
    keys = (("builds", str(event.build_id), "properties", "update"),)
    return keys, properties_resource(event.properties)


def _builder_changed(event: messages.BuilderChanged) -> Announcement:
    return (("builders", str(event.builder_id), event.verb),), event.resource


def _scheduler_changed(event: messages.SchedulerChanged) -> Announcement:
    return (("schedulers", str(event.resource["schedulerid"]), event.verb),), event.resource


_BUILDS = frozenset({"builders", "builds", "workers"})
_STEPS = frozenset({"builds", "steps"})
_LOGS = frozenset({"logs", "steps"})
_REQUESTS = frozenset({"buildrequests", "builders"})

_TABLE: dict[type[Event], tuple[frozenset[str], Callable[[Any], Announcement]]] = {
    messages.ChangeAdded: (frozenset({"changes"}), _change_added),
    messages.BuildsetSubmitted: (frozenset({"buildsets"}), _buildset_submitted),
    messages.BuildsetCompleted: (frozenset({"buildsets"}), _buildset_completed),
    messages.RequestSubmitted: (_REQUESTS, _pending("new")),
    messages.RequestClaimed: (_REQUESTS, _request("claimed")),
    messages.RequestUnclaimed: (_REQUESTS, _pending("unclaimed")),
    messages.RequestUpdated: (_REQUESTS, _request("update")),
    messages.RequestCancelled: (_REQUESTS, _request("cancel")),
    messages.RequestCompleted: (_REQUESTS, _request("complete")),
    messages.BuildStarted: (_BUILDS, _build("new")),
    messages.BuildUpdated: (_BUILDS, _build("update")),
    messages.BuildFinished: (_BUILDS, _build("finished")),
    messages.BuildPropertiesUpdated: (frozenset({"builds"}), _properties_updated),
    messages.StepAdded: (_STEPS, _step("new")),
    messages.StepStarted: (_STEPS, _step("started")),
    messages.StepUpdated: (_STEPS, _step("updated")),
    messages.StepFinished: (_STEPS, _step("finished")),
    messages.LogAdded: (_LOGS, _log("new")),
    messages.LogAppended: (_LOGS, _log("append")),
    messages.LogFinished: (_LOGS, _log("finished")),
    messages.WorkerConnected: (frozenset({"workers"}), _worker("connected")),
    messages.WorkerDisconnected: (frozenset({"workers"}), _worker("disconnected")),
    messages.WorkerUpdated: (frozenset({"workers"}), _worker("state_updated")),
    messages.MasterStarted: (frozenset({"masters"}), _master("started")),
    messages.MasterStopped: (frozenset({"masters"}), _master("stopped")),
    messages.BuilderChanged: (frozenset({"builders"}), _builder_changed),
    messages.SchedulerChanged: (frozenset({"schedulers"}), _scheduler_changed),
}

EVENT_TYPES: tuple[type[Event], ...] = tuple(_TABLE)
"""The events that are told."""
