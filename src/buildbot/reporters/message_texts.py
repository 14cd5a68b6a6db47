"""Sentences that reports say of builds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from buildbot.process.results import (
    CANCELLED,
    EXCEPTION,
    FAILURE,
    SKIPPED,
    SUCCESS,
    WARNINGS,
    statusToString,
)

Row = dict[str, Any]


def get_detected_status_text(
    mode: Collection[str], results: int, previous_results: int | None
) -> str:
    """Return what the reporter has noticed: "new failure", "restored build", …"""
    has_changed = previous_results is not None and previous_results != results
    if results == FAILURE:
        is_new = has_changed and ("change" in mode or "problem" in mode)
        return "new failure" if is_new else "failed build"
    if results == WARNINGS:
        return "problem in the build"
    if results == SUCCESS:
        return "restored build" if has_changed and "change" in mode else "passing build"
    if results == EXCEPTION:
        return "build exception"
    return f"{statusToString(results)} build"


def get_message_summary_text(build: Row, results: int) -> str:
    """Return the sentence for the end of a message."""
    state = (build.get("state_string") or "").removeprefix("failed: ")
    detail = f": {state}" if state else ""
    match results:
        case _ if results == SUCCESS:
            return "Build succeeded!"
        case _ if results == WARNINGS:
            return f"Build Had Warnings{detail}"
        case _ if results == CANCELLED:
            return "Build was cancelled"
        case _ if results == SKIPPED:
            return "Build was skipped"
        case _:
            return f"BUILD FAILED{detail}"


def get_message_source_stamp_text(source_stamps: Sequence[Row]) -> str:
    """Return a line for each source stamp."""
    lines = []
    for stamp in source_stamps:
        codebase = f" '{stamp['codebase']}'" if stamp["codebase"] else ""
        branch = f"[branch {stamp['branch']}] " if stamp["branch"] else ""
        revision = stamp["revision"] or "HEAD"
        patch = " (plus patch)" if stamp.get("patch") else ""
        lines.append(f"Build Source Stamp{codebase}: {branch}{revision}{patch}\n")
    return "".join(lines)


def get_projects_text(source_stamps: Sequence[Row], master: Any) -> str:
    """Return the names of the projects; the master's title where there are none."""
    projects = dict.fromkeys(stamp["project"] for stamp in source_stamps if stamp["project"])
    return ", ".join(projects) or str(master.config.title)
