"""Pages that list builders, workers and changes, and pages of one worker or change."""

from __future__ import annotations

from chargehand.domain.builder import VIRTUAL_TAG
from chargehand.domain.identifiers import ChangeId
from chargehand.domain.worker import why_ordered
from chargehand.resources.field import Resource
from chargehand.resources.query import Filter, Operator, Order
from chargehand.web.pages.overview import Overview

_BUILDERS = 5000
_LATEST_BUILDS = 3000
_WORKERS = 5000
_CHANGES = 100
_ENTRIES = 200
_INSTANCES = 20
_BUILDS_OF_CHANGE = 200


async def builders(overview: Overview) -> Resource:
    """Return the configured builders, and those that builds name in their properties, each with
    its latest build if it is recent."""
    found = await overview.rows("builders", order=(Order("name"),), limit=_BUILDERS)
    recent = await overview.rows(
        "builds",
        order=(Order("buildid", descending=True),),
        limit=_LATEST_BUILDS,
        fields=("buildid", "builderid", "number", "started_at", "results", "state_string"),
    )
    latest: dict[int, Resource] = {}
    for build in recent:
        latest.setdefault(build["builderid"], build)
    configured = [row for row in found if row["masterids"] or VIRTUAL_TAG in row["tags"]]
    return {
        "builders": [row | {"latest": _marked(latest.get(row["builderid"]))} for row in configured],
        "unconfigured": len(found) - len(configured),
    }


async def workers(overview: Overview) -> Resource:
    """Return all workers with their numbers of running builds, and who was not let in."""
    found = await overview.rows("workers", order=(Order("name"),), limit=_WORKERS)
    running = await overview.rows(
        "builds",
        filters=(Filter("complete", Operator.EQ, (False,)),),
        fields=("buildid", "workerid"),
        limit=_WORKERS,
    )
    counts: dict[int, int] = {}
    for build in running:
        counts[build["workerid"]] = counts.get(build["workerid"], 0) + 1
    return {
        "workers": [worker_with_state(row, counts.get(row["workerid"], 0)) for row in found],
        "refused_logins": overview.refused_logins(),
    }


async def instances(overview: Overview, worker: Resource) -> list[Resource]:
    """Return the machines of a worker that is started on demand, the newest first."""
    return await overview.rows(
        "instances",
        scope={"workerid": worker["workerid"]},
        order=(Order("instanceid", descending=True),),
        limit=_INSTANCES,
    )


async def changes(overview: Overview) -> Resource:
    """Return the latest changes and the state of the change sources."""
    latest = (Order("changeid", descending=True),)
    return {
        "changes": await overview.rows("changes", order=latest, limit=_CHANGES),
        "waiting_changes": overview.waiting_changes(),
        "sources": await overview.rows("changesources", order=(Order("name"),)),
    }


async def builds_of_change(overview: Overview, change: Resource) -> Resource:
    """Return a change, what schedulers did with it, and its builds."""
    builds = await overview.rows(
        "builds",
        scope={"changeid": change["changeid"]},
        order=(Order("buildid", descending=True),),
        limit=_BUILDS_OF_CHANGE,
    )
    fates = await overview.outcomes_of(ChangeId(change["changeid"]))
    return {"change": change, "builds": await overview.titled(builds), "fates": fates}


def worker_with_state(worker: Resource, running: int) -> Resource:
    """Add a worker's ``word`` (its state), a sentence about it, and how many builds it runs."""
    if not worker["connected_to"]:
        # That it could not be started is a reason without a pause, as a quarantine is.
        told = "" if worker["paused"] else worker.get("pause_reason")
        since = why_ordered(None, None, worker.get("disconnected_at"))
        word, sentence = "offline", told or ", ".join(filter(None, ("not connected", since)))
    elif worker["paused"]:
        word, sentence = "paused", _why(worker, "pause_reason", "paused") or "paused"
    elif worker["graceful"]:
        told = _why(worker, "stop_reason", "stopped")
        word, sentence = "waiting", ": ".join(filter(None, ("shutting down on request", told)))
    elif reason := worker.get("pause_reason"):
        word, sentence = "waiting", reason
    else:
        word, sentence = "success", ""
    return worker | {"word": word, "sentence": sentence, "running": running}


def _why(worker: Resource, reason: str, order: str) -> str | None:
    return why_ordered(worker.get(reason), worker.get(f"{order}_by"), worker.get(f"{order}_at"))


def _marked(build: Resource | None) -> Resource | None:
    return None if build is None else build | {"word": Overview.word(build)}


async def audit(overview: Overview) -> Resource:
    """Return the newest entries of the audit log."""
    order = (Order("auditid", descending=True),)
    entries = await overview.rows("audit", order=order, limit=_ENTRIES + 1)
    return {"entries": entries[:_ENTRIES], "are_all": len(entries) <= _ENTRIES}
