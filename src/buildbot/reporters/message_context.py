"""What templates of messages and functions that format them can name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from buildbot.process.results import Results, worst_status
from buildbot.reporters.message_texts import (
    get_detected_status_text,
    get_message_source_stamp_text,
    get_message_summary_text,
    get_projects_text,
)

Row = dict[str, Any]


def create_context_for_build(
    mode: Collection[str],
    build: Row,
    is_buildset: bool,
    master: Any,
    blamelist: Sequence[str],
) -> Row:
    """Return what is to be said of a build, which `getDetailsForBuild` has completed."""
    buildset = build["buildset"]
    stamps = buildset["sourcestamps"]
    results = build["results"]
    previous = build.get("prev_build")
    previous_results = previous["results"] if previous else None
    properties = build.get("properties") or {}
    return {
        "results": results,
        "result_names": Results,
        "mode": mode,
        "buildername": build["builder"]["name"],
        "workername": properties.get("workername", ["<unknown>"])[0],
        "buildset": buildset,
        "build": build,
        "is_buildset": is_buildset,
        "projects": get_projects_text(stamps, master),
        "previous_results": previous_results,
        "status_detected": (
            "running build"
            if results is None
            else get_detected_status_text(mode, results, previous_results)
        ),
        "build_url": build["url"],
        "buildbot_title": master.config.title,
        "buildbot_url": master.config.buildbotURL,
        "blamelist": list(blamelist),
        "summary": "" if results is None else get_message_summary_text(build, results),
        "sourcestamps": get_message_source_stamp_text(stamps),
        "branch": properties.get("branch", [None])[0],
        "revision": properties.get("got_revision", [None])[0],
    }


def create_context_for_buildset(
    mode: Collection[str],
    buildset: Row,
    builds: Sequence[Row],
    master: Any,
    blamelist: Sequence[str],
) -> Row:
    """Return what is to be said of a buildset and its builds."""
    results = buildset["results"]
    if results is None or results < 0:
        results = _worst(builds)
    return {
        "results": results,
        "result_names": Results,
        "mode": mode,
        "buildset": buildset,
        "builds": builds,
        "is_buildset": True,
        "projects": get_projects_text(buildset["sourcestamps"], master),
        "status_detected": get_detected_status_text(mode, results, None),
        "buildbot_title": master.config.title,
        "buildbot_url": master.config.buildbotURL,
        "blamelist": list(blamelist),
        "sourcestamps": get_message_source_stamp_text(buildset["sourcestamps"]),
    }


def create_context_for_worker(master: Any, worker: Row) -> Row:
    """Return what is to be said of a worker."""
    return {
        "buildbot_title": master.config.title,
        "buildbot_url": master.config.buildbotURL,
        "worker": {"workerinfo": {}, "last_connection": "an unknown time", **worker},
    }


def _worst(builds: Sequence[Row]) -> int:
    found = 0
    for build in builds:
        if build["results"] is not None:
            found = worst_status(found, build["results"])
    return found
