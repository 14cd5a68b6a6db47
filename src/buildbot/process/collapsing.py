"""Buildbot's own rule of which requests may be collapsed, for users' functions that build on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SAME = ("branch", "repository", "project")


async def may_be_collapsed(master: Any, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether one build may do for both requests (resources, as ``master.data`` has them).

    Each codebase must be in both, with equal branch, repository and project, without patches, and
    with the same revision, unless both came with changes. Properties of schedulers must be equal,
    except for the scheduler's name.
    """
    if one["buildsetid"] == other["buildsetid"]:
        return True
    stamps = await _stamps(master, one)
    others = await _stamps(master, other)
    if stamps.keys() != others.keys():
        return False
    for codebase, stamp in stamps.items():
        if not await _alike(master, stamp, others[codebase]):
            return False
    return await _counted(master, one) == await _counted(master, other)


async def _counted(master: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that must be equal."""
    found = await master.data.get(("buildsets", request["buildsetid"], "properties"))
    return {
        name: value
        for name, (value, source) in found.items()
        if source == "Scheduler" and name != "scheduler"
    }


async def _stamps(master: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    buildset = await master.data.get(("buildsets", request["buildsetid"]))
    return {stamp["codebase"]: stamp for stamp in buildset["sourcestamps"]}


async def _alike(master: Any, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if one["ssid"] == other["ssid"]:
        return True
    if any(one[key] != other[key] for key in _SAME) or one["patch"] or other["patch"]:
        return False
    changed = [await _has_changes(master, stamp) for stamp in (one, other)]
    if all(changed):
        return True
    return not any(changed) and bool(one["revision"] == other["revision"])


async def _has_changes(master: Any, stamp: Mapping[str, Any]) -> bool:
    return bool(await master.data.get(("sourcestamps", stamp["ssid"], "changes")))
