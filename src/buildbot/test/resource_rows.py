"""How rows of a test become resources: with what other rows say of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from buildbot.test import fakedb
from chargehand.resources.catalog import KINDS
from chargehand.resources.field import BOOLEAN

Resource = dict[str, Any]
Scope = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """A resource, and the values of paths' placeholders that lead to it."""

    row: Resource
    scope: Mapping[str, Any]

    def fits(self, scope: Mapping[str, Any]) -> bool:
        """Return whether a path with these values leads to it."""
        return all(self._leads(name, value) for name, value in scope.items())

    def _leads(self, name: str, value: Any) -> bool:
        known = self.scope.get(name, self.row.get(name))
        return value in known if isinstance(known, set) else bool(value == known)


class RowsOf:
    """Resources of all kinds, made of a test's rows."""

    def __init__(self, rows: Sequence[fakedb.Row]) -> None:
        self._rows = rows

    def all(self, kind: str) -> Iterator[Found]:
        """Return the resources of a kind, by its plural; none of kinds without rows."""
        make: Callable[[Any], Found]
        rows, make = {
            "masters": (fakedb.Master, self._master),
            "projects": (fakedb.Project, self._project),
            "workers": (fakedb.Worker, self._worker),
            "builders": (fakedb.Builder, self._builder),
            "schedulers": (fakedb.Scheduler, self._scheduler),
            "changesources": (fakedb.ChangeSource, self._change_source),
            "sourcestamps": (fakedb.SourceStamp, self._source_stamp),
            "changes": (fakedb.Change, self._change),
            "buildsets": (fakedb.Buildset, self._buildset),
            "buildrequests": (fakedb.BuildRequest, self._request),
            "builds": (fakedb.Build, self._build),
            "triggered_builds": (fakedb.Build, self._triggered),
            "build_data": (fakedb.BuildData, self._build_data),
            "steps": (fakedb.Step, self._step),
            "logs": (fakedb.Log, self._log),
        }.get(kind, (fakedb.Row, _no_resource))
        return map(make, self.of(rows))

    def leading(self, kind: str, scope: Mapping[str, Any]) -> Iterator[Resource]:
        """Return the resources of a kind to which a path with these values leads."""
        return (one.row for one in self.all(kind) if one.fits(scope))

    def of(self, kind: type[fakedb.Row], **wanted: Any) -> Iterator[Any]:
        """Return the rows of a class with these values."""
        return (
            row
            for row in self._rows
            if type(row) is kind and all(row.values[name] == wanted[name] for name in wanted)
        )

    def one(self, kind: type[fakedb.Row], **wanted: Any) -> Any:
        """Return the first of them; a row of default values where the test has put none."""
        return next(self.of(kind, **wanted), None) or kind(**wanted)

    def properties(self, owner: str, number: Any) -> dict[str, Any]:
        """Return the properties of a build, buildset or change: ``{name: (value, source)}``."""
        if owner == "buildid":
            rows = self.of(fakedb.BuildProperty, buildid=number)
            return {row.name: (row.value, row.source) for row in rows}
        kinds = {"bsid": fakedb.BuildsetProperty, "changeid": fakedb.ChangeProperty}
        column = {"bsid": "buildsetid"}.get(owner, owner)
        rows = self.of(kinds[owner], **{column: number})
        return {row.property_name: _pair(row.property_value) for row in rows}

    def contents(self, log: Resource | None, offset: int, limit: int | None) -> Resource | None:
        """Return lines of a log as one chunk."""
        if log is None:
            return None
        chunks = sorted(
            self.of(fakedb.LogChunk, logid=log["logid"]), key=lambda chunk: int(chunk.first_line)
        )
        texts = [
            one.content.decode() if isinstance(one.content, bytes) else one.content
            for one in chunks
        ]
        lines = "".join(text if text.endswith("\n") else f"{text}\n" for text in texts if text)
        wanted = lines.splitlines(keepends=True)[offset:][:limit]
        return {"logid": log["logid"], "firstline": offset, "content": "".join(wanted)}

    # Each kind

    def _master(self, row: Any) -> Found:
        builders = {one.builderid for one in self.of(fakedb.BuilderMaster, masterid=row.id)}
        return Found(_shown("masters", row), {"builderid": builders})

    def _project(self, row: Any) -> Found:
        active = any(self.of(fakedb.Builder, projectid=row.id))
        made = _shown("projects", row, slug=row.slug or row.name, active=active)
        return Found(made, {"projectname": row.name})

    def _worker(self, row: Any) -> Found:
        pairs = [
            self.one(fakedb.BuilderMaster, id=one.buildermasterid)
            for one in self.of(fakedb.ConfiguredWorker, workerid=row.id)
        ]
        connected = [one.masterid for one in self.of(fakedb.ConnectedWorker, workerid=row.id)]
        made = _shown(
            "workers",
            row,
            connected_to=[{"masterid": one} for one in connected],
            configured_on=[{"masterid": one.masterid, "builderid": one.builderid} for one in pairs],
            workerinfo=dict(row.info),
        )
        builders = {one.builderid for one in pairs}
        return Found(made, {"builderid": builders, "masterid": {one.masterid for one in pairs}})

    def _builder(self, row: Any) -> Found:
        masters = [one.masterid for one in self.of(fakedb.BuilderMaster, builderid=row.id)]
        tags = [
            self.one(fakedb.Tag, id=one.tagid).name
            for one in self.of(fakedb.BuildersTags, builderid=row.id)
        ]
        workers = {
            one.workerid
            for pair in self.of(fakedb.BuilderMaster, builderid=row.id)
            for one in self.of(fakedb.ConfiguredWorker, buildermasterid=pair.id)
        }
        scope = {"buildername": row.name, "masterid": set(masters), "workerid": workers}
        return Found(_shown("builders", row, masterids=masters, tags=tags), scope)

    def _scheduler(self, row: Any) -> Found:
        master = self._active_on(fakedb.SchedulerMaster, schedulerid=row.id)
        made = _shown("schedulers", row, master=master)
        return Found(made, {"masterid": (master or {}).get("masterid")})

    def _change_source(self, row: Any) -> Found:
        master = self._active_on(fakedb.ChangeSourceMaster, changesourceid=row.id)
        made = _shown("changesources", row, state="ok", master=master)
        return Found(made, {"masterid": (master or {}).get("masterid")})

    def _active_on(self, kind: type[fakedb.Row], **wanted: Any) -> Resource | None:
        place = next(self.of(kind, **wanted), None)
        if place is None:
            return None
        return self._master(self.one(fakedb.Master, id=place.masterid)).row

    def _source_stamp(self, row: Any) -> Found:
        patch = next(self.of(fakedb.Patch, id=row.patchid), None) if row.patchid else None
        made = _shown("sourcestamps", row, patch=None if patch is None else _patch(patch))
        sets = {one.buildsetid for one in self.of(fakedb.BuildsetSourceStamp, sourcestampid=row.id)}
        return Found(made, {"buildsetid": sets})

    def _change(self, row: Any) -> Found:
        stamp = self.one(fakedb.SourceStamp, id=row.sourcestampid)
        parents = row.parent_changeids
        made = _shown(
            "changes",
            row,
            parent_changeids=parents if isinstance(parents, list) else [parents][: bool(parents)],
            files=[one.filename for one in self.of(fakedb.ChangeFile, changeid=row.changeid)],
            properties=self.properties("changeid", row.changeid),
            sourcestamp=self._source_stamp(stamp).row,
        )
        return Found(made, {"ssid": row.sourcestampid, **self._builds_of(row.sourcestampid)})

    def _builds_of(self, stamp: Any) -> Scope:
        """Return which builds build a source stamp."""
        builds = [
            build
            for link in self.of(fakedb.BuildsetSourceStamp, sourcestampid=stamp)
            for request in self.of(fakedb.BuildRequest, buildsetid=link.buildsetid)
            for build in self.of(fakedb.Build, buildrequestid=request.id)
        ]
        return {
            "buildid": {build.id for build in builds},
            "build_number": {build.number for build in builds},
            "builderid": {build.builderid for build in builds},
        }

    def _buildset(self, row: Any) -> Found:
        links = self.of(fakedb.BuildsetSourceStamp, buildsetid=row.id)
        stamps = [self.one(fakedb.SourceStamp, id=link.sourcestampid) for link in links]
        made = _shown(
            "buildsets", row, sourcestamps=[self._source_stamp(stamp).row for stamp in stamps]
        )
        return Found(made, {"buildsetid": row.id})

    def _request(self, row: Any) -> Found:
        claim = next(self.of(fakedb.BuildRequestClaim, brid=row.id), None)
        made = _shown(
            "buildrequests",
            row,
            claimed=claim is not None,
            claimed_at=None if claim is None else claim.claimed_at,
            claimed_by_masterid=None if claim is None else claim.masterid,
            properties=self.properties("bsid", row.buildsetid),
        )
        return Found(made, {})

    def _build(self, row: Any) -> Found:
        properties = self.properties("buildid", row.id)
        complete = row.complete_at is not None
        made = _shown("builds", row, complete=complete, properties=properties)
        request = self.one(fakedb.BuildRequest, id=row.buildrequestid)
        links = self.of(fakedb.BuildsetSourceStamp, buildsetid=request.buildsetid)
        changes = {
            change.changeid
            for link in links
            for change in self.of(fakedb.Change, sourcestampid=link.sourcestampid)
        }
        return Found(made, {**self._scope_of_build(row), "changeid": changes})

    def _triggered(self, row: Any) -> Found:
        request = self.one(fakedb.BuildRequest, id=row.buildrequestid)
        buildset = self.one(fakedb.Buildset, id=request.buildsetid)
        return Found(self._build(row).row, {"buildid": {buildset.parent_buildid}})

    def _scope_of_build(self, row: Any) -> Scope:
        builder = self.one(fakedb.Builder, id=row.builderid)
        return {
            "buildid": row.id,
            "build_number": row.number,
            "builderid": row.builderid,
            "buildername": builder.name,
        }

    def _build_data(self, row: Any) -> Found:
        build = self.one(fakedb.Build, id=row.buildid)
        return Found(_shown("build_data", row, length=len(row.value)), self._scope_of_build(build))

    def _step(self, row: Any) -> Found:
        complete = row.complete_at is not None
        made = _shown("steps", row, complete=complete, urls=json.loads(row.urls_json))
        return Found(made, self._scope_of_step(row))

    def _scope_of_step(self, row: Any) -> Scope:
        build = self.one(fakedb.Build, id=row.buildid)
        own = {"step_name": row.name, "step_number": row.number, "stepid": row.id}
        return {**self._scope_of_build(build), **own}

    def _log(self, row: Any) -> Found:
        made = _shown("logs", row, slug=row.slug or row.name)
        step = self.one(fakedb.Step, id=row.stepid)
        return Found(made, {**self._scope_of_step(step), "log_slug": made["slug"]})


def _shown(kind: str, row: fakedb.Row, **computed: Any) -> Resource:
    """Return the resource of a row, with each field of its kind: as computed from other rows, or
    as in the row's column of that name; a field that rows of tests do not have is empty."""
    entity = KINDS[kind]
    known = {entity.identity: row.values.get("id"), **row.values, **computed}
    made = {}
    for field in entity.fields:
        if field.name not in known:
            made[field.name] = field.type.empty
        elif field.type is BOOLEAN:
            made[field.name] = bool(known[field.name])
        else:
            made[field.name] = known[field.name]
    return made


def _no_resource(row: Any) -> Found:
    return Found({}, {})


def _patch(row: Any) -> Resource:
    return {
        "patchid": row.id,
        "body": base64.b64decode(row.patch_base64),
        "level": row.patchlevel,
        "subdir": row.subdir or "",
        "author": row.patch_author or "",
        "comment": row.patch_comment or "",
    }


def _pair(value: Any) -> tuple[Any, Any]:
    found = json.loads(value) if isinstance(value, str | bytes) else value
    first, second = found
    return first, second
