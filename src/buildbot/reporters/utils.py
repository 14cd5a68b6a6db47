"""What reports tell of builds: the rows of builds, completed with what belongs to them.

Each function returns a Deferred. ``master`` is the master that a reporter knows as ``self.master``;
a build, buildset or request is a dictionary as ``master.data.get`` returns it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from buildbot._border.bridge import outgoing
from buildbot.data.resultspec import Filter
from buildbot.process.results import RETRY
from buildbot.reporters.log_contents import add_contents

Row = dict[str, Any]


@outgoing
async def getPreviousBuild(master: Any, build: Row) -> Row | None:
    """Return the builder's newest finished build before *build*, not counting retried ones."""
    path = ("builders", build["builderid"], "builds")
    filters = [
        Filter("number", "lt", [build["number"]]),
        Filter("complete", "eq", [True]),
        Filter("results", "ne", [RETRY]),
    ]
    found = await master.data.get(path, filters=filters, order=["-number"], limit=1)
    return found[0] if found else None


@outgoing
async def getDetailsForBuildset(
    master: Any,
    bsid: int,
    want_properties: bool = False,
    want_steps: bool = False,
    want_previous_build: bool = False,
    want_logs: bool = False,
    add_logs: Any = None,
    want_logs_content: bool | Sequence[str] = False,
) -> Row:
    """Return ``{"buildset": …, "builds": […]}``, the builds completed as by `getDetailsForBuild`,
    the newest build of each request."""
    buildset = await master.data.get(("buildsets", bsid))
    requests = await master.data.get(
        ("buildrequests",), filters=[Filter("buildsetid", "eq", [bsid])]
    )
    builds = await _newest_builds(master, requests)
    await getDetailsForBuilds(
        master,
        buildset,
        builds,
        want_properties=want_properties,
        want_steps=want_steps,
        want_previous_build=want_previous_build,
        want_logs=want_logs,
        add_logs=add_logs,
        want_logs_content=want_logs_content,
    )
    return {"buildset": buildset, "builds": builds}


@outgoing
async def getDetailsForBuild(
    master: Any,
    build: Row,
    want_properties: bool = False,
    want_steps: bool = False,
    want_previous_build: bool = False,
    want_logs: bool = False,
    add_logs: Any = None,
    want_logs_content: bool | Sequence[str] = False,
    wantProperties: bool = False,
    wantSteps: bool = False,
    wantPreviousBuild: bool = False,
    wantLogs: bool = False,
) -> None:
    """Complete *build*: ``buildrequest``, ``buildset``, ``builder``, ``url``, ``parentbuild``,
    ``parentbuilder``, and what is wanted: ``properties``, ``steps`` (with ``logs``, and their
    ``content``), ``prev_build``. ``want_logs_content`` may be a list of names of logs."""
    request = await master.data.get(("buildrequests", build["buildrequestid"]))
    buildset = await master.data.get(("buildsets", request["buildsetid"]))
    build["buildrequest"] = request
    await getDetailsForBuilds(
        master,
        buildset,
        [build],
        want_properties=want_properties or wantProperties,
        want_steps=want_steps or wantSteps,
        want_previous_build=want_previous_build or wantPreviousBuild,
        want_logs=want_logs or wantLogs,
        add_logs=add_logs,
        want_logs_content=want_logs_content or wantLogs,
    )


@outgoing
async def getDetailsForBuilds(
    master: Any,
    buildset: Row,
    builds: Sequence[Row],
    want_properties: bool = False,
    want_steps: bool = False,
    want_previous_build: bool = False,
    want_logs: bool = False,
    add_logs: Any = None,
    want_logs_content: bool | Sequence[str] = False,
) -> None:
    """Complete builds of one buildset, as `getDetailsForBuild` does."""
    contents = add_logs or want_logs_content
    parent = await _parent(master, buildset)
    builders = await _builders(master, {build["builderid"] for build in builds})
    for build in builds:
        build["buildset"] = buildset
        build["builder"] = builders[build["builderid"]]
        build["url"] = getURLForBuild(master, build["builderid"], build["number"])
        build["parentbuild"], build["parentbuilder"] = parent
        if want_properties:
            build["properties"] = await master.data.get(("builds", build["buildid"], "properties"))
        if want_steps or want_logs or contents:
            await _add_steps(master, build, bool(want_logs or contents), contents)
        if want_previous_build:
            build["prev_build"] = await getPreviousBuild(master, build)


@outgoing
async def get_details_for_buildrequest(
    master: Any,
    buildrequest: Any,
    build: Row | None = None,
    want_properties: bool = False,
    **_: Any,
) -> None:
    """Complete *build*, which stands for a request that has no build yet, or else the request
    itself: ``buildset``, ``builder``, ``url``, ``parentbuild``, ``parentbuilder``, and its
    buildset's ``properties``. The request is a row, or a BuildRequest."""
    number, builder, buildset_id = _numbers_of(buildrequest)
    completed = buildrequest if build is None else build
    if build is not None:
        build["buildrequest"] = buildrequest
        build["buildid"] = None
    buildset = await master.data.get(("buildsets", buildset_id))
    parent = await _parent(master, buildset)
    completed["buildset"] = buildset
    completed["builder"] = await master.data.get(("builders", builder))
    completed["url"] = getURLForBuildrequest(master, number)
    completed["results"] = None
    completed["parentbuild"], completed["parentbuilder"] = parent
    if want_properties:
        path = ("buildsets", buildset["bsid"], "properties")
        completed["properties"] = await master.data.get(path)


@outgoing
async def getResponsibleUsersForSourceStamp(master: Any, sid: int) -> list[str]:
    """Return who made the changes, or the patch, of a source stamp, sorted."""
    changes = await master.data.get(("sourcestamps", sid, "changes"))
    stamp = await master.data.get(("sourcestamps", sid))
    return sorted(_authors(changes, [stamp] if stamp else []))


@outgoing
async def getResponsibleUsersForBuild(master: Any, buildid: int) -> list[str]:
    """Return who made the changes and patches of a build, and its owners, sorted."""
    build = await master.data.get(("builds", buildid))
    changes = await master.data.get(("builds", buildid, "changes"))
    request = await master.data.get(("buildrequests", build["buildrequestid"]))
    buildset = await master.data.get(("buildsets", request["buildsetid"]))
    properties = await master.data.get(("builds", buildid, "properties"))
    blamed = _authors(changes, buildset["sourcestamps"])
    if "owner" in properties:
        blamed.add(str(properties["owner"][0]))
    owners = properties.get("owners", ([], ""))[0]
    blamed.update(map(str, owners if isinstance(owners, list) else [owners]))
    return sorted(blamed)


def getURLForBuild(master: Any, builderid: int, build_number: int) -> str:
    """Return the address of a build's page."""
    return f"{_base(master)}#/builders/{builderid}/builds/{build_number}"


def getURLForBuildrequest(master: Any, buildrequestid: int) -> str:
    """Return the address of a request's page."""
    return f"{_base(master)}#/buildrequests/{buildrequestid}"


def get_url_for_log(
    master: Any, builderid: int, build_number: int, step_number: int, log_slug: str
) -> str:
    """Return the address of a log's page."""
    build = getURLForBuild(master, builderid, build_number)
    return f"{build}/steps/{step_number}/logs/{log_slug}"


def merge_reports_prop(reports: Sequence[Row], prop: str) -> Any:
    """Return what the reports have under *prop*, added up; None if none has anything."""
    merged: Any = None
    for report in reports:
        value = report.get(prop)
        if value is None:
            continue
        if merged is None:
            merged = list(value) if isinstance(value, list | tuple) else value
        elif isinstance(merged, dict):
            merged = {**merged, **value}
        else:
            merged = merged + value
    return merged


def merge_reports_prop_take_first(reports: Sequence[Row], prop: str) -> Any:
    """Return what the first report that has *prop* has under it; None if none has."""
    return next((report[prop] for report in reports if report.get(prop) is not None), None)


def _numbers_of(request: Any) -> tuple[int, int, int]:
    if isinstance(request, Mapping):
        return request["buildrequestid"], request["builderid"], request["buildsetid"]
    return request.id, request.builderid, request.bsid


def _base(master: Any) -> str:
    url = str(master.config.buildbotURL)
    return url if url.endswith("/") else f"{url}/"


def _authors(changes: Sequence[Row], stamps: Sequence[Row]) -> set[str]:
    patches = [stamp["patch"] for stamp in stamps if stamp.get("patch")]
    found = [change["author"] for change in changes] + [patch["author"] for patch in patches]
    return {author for author in found if author}


async def _builders(master: Any, ids: Collection[int]) -> dict[int, Row]:
    return {one: await master.data.get(("builders", one)) for one in ids}


async def _newest_builds(master: Any, requests: Sequence[Row]) -> list[Row]:
    """Return the newest build of each request, in the order of requests; in one query."""
    if not requests:
        return []
    by_id = {request["buildrequestid"]: request for request in requests}
    found = await master.data.get(
        ("builds",),
        filters=[Filter("buildrequestid", "eq", list(by_id))],
        order=["buildid"],
    )
    newest = {build["buildrequestid"]: build for build in found}
    for identifier, build in newest.items():
        build["buildrequest"] = by_id[identifier]
    return [newest[one] for one in by_id if one in newest]


async def _parent(master: Any, buildset: Row) -> tuple[Row | None, Row | None]:
    if buildset["parent_buildid"] is None:
        return None, None
    build = await master.data.get(("builds", buildset["parent_buildid"]))
    if build is None:
        return None, None
    return build, await master.data.get(("builders", build["builderid"]))


async def _add_steps(master: Any, build: Row, want_logs: bool, contents: Any) -> None:
    build["steps"] = await master.data.get(("builds", build["buildid"], "steps"))
    if not want_logs:
        return
    for step in build["steps"]:
        step["logs"] = await master.data.get(("steps", step["stepid"], "logs"))
        for log in step["logs"]:
            log["stepname"] = step["name"]
            log["url"] = get_url_for_log(
                master, build["builderid"], build["number"], step["number"], log["slug"]
            )
            raw = f"{_base(master)}api/v2/logs/{log['logid']}/raw"
            log["url_raw"], log["url_raw_inline"] = raw, f"{raw}_inline"
    if contents:
        await add_contents(master, build["steps"], contents)
