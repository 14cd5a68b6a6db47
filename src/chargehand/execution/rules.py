"""What a step's result means for its build, and in which order properties win."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence

import msgspec

from chargehand.domain.builder import VIRTUAL_TAG, VirtualBuilder
from chargehand.domain.properties import Property, PropertyMap
from chargehand.domain.result import Result, worse
from chargehand.domain.source_stamp import StoredSourceStamp

_STOPPERS = (Result.EXCEPTION, Result.RETRY, Result.CANCELLED)

_NOT_FIRST_IN_SLUGS = re.compile(r"\A[\W\d]")
_NOT_IN_SLUGS = re.compile(r"[^\w-]")
_SLUG_LENGTH = 50
_RESULTS = {int(result): result for result in Result}


class StepFlags(msgspec.Struct, frozen=True, kw_only=True):
    """How a step's result affects its build."""

    halt_on_failure: bool = False
    flunk_on_warnings: bool = False
    flunk_on_failure: bool = True
    warn_on_warnings: bool = False
    warn_on_failure: bool = False
    always_run: bool = False


def after_step(flags: StepFlags, result: Result, so_far: Result) -> tuple[Result, bool]:
    """Return the build's result after a step, and whether only ``alwaysRun`` steps follow."""
    counted, halts = result, result in _STOPPERS
    if result is Result.WARNINGS:
        counted = Result.WARNINGS if flags.warn_on_warnings else Result.SUCCESS
        if flags.flunk_on_warnings:
            counted = Result.FAILURE
    elif result is Result.FAILURE:
        counted = Result.WARNINGS if flags.warn_on_failure else Result.SUCCESS
        if flags.flunk_on_failure:
            counted = Result.FAILURE
        halts = flags.halt_on_failure
    return worse(so_far, counted), halts


def merged_properties(
    *,
    master: PropertyMap,
    changes: Sequence[PropertyMap],
    requests: Sequence[PropertyMap],
    builder: PropertyMap,
    builder_defaults: PropertyMap,
    worker: PropertyMap,
    worker_defaults: PropertyMap,
) -> dict[str, Property]:
    """Merge in Buildbot's order, later ones override; defaults only fill gaps."""
    result: dict[str, Property] = dict(master)
    for layer in (*changes, *requests):
        result.update(layer)
    result = {**builder_defaults, **result, **builder}
    return {**worker_defaults, **result, **worker}


def virtual_builder_of(properties: PropertyMap) -> VirtualBuilder | None:
    """Return the builder under which a build is to be listed, instead of the one that runs it.

    Its properties say so (``virtual_builder_name``, ``virtual_builder_description``,
    ``virtual_builder_project``, ``virtual_builder_tags``); values of other types say nothing.
    """
    name = _text(properties, "virtual_builder_name")
    if name is None:
        return None
    tags, _ = properties.get("virtual_builder_tags", ((), ""))
    given = tags if isinstance(tags, list | tuple) else ()
    own = [tag for tag in given if isinstance(tag, str)]
    return VirtualBuilder(
        name=name,
        description=_text(properties, "virtual_builder_description"),
        project=_text(properties, "virtual_builder_project"),
        tags=tuple(dict.fromkeys((*own, VIRTUAL_TAG))),
    )


def _text(properties: PropertyMap, name: str) -> str | None:
    value, _ = properties.get(name, (None, ""))
    return value if isinstance(value, str) and value else None


def own_properties(
    *,
    builder_name: str,
    builder_id: int,
    build_number: int,
    worker_name: str,
    basedir: str,
    builddir: str,
    stamps: Sequence[StoredSourceStamp],
    owners: Sequence[str],
) -> dict[str, Property]:
    """Return the properties that every build has.

    The source stamp's fields are properties only if the build has a single codebase.
    """
    own: dict[str, Property] = {
        "buildername": (builder_name, "Builder"),
        "builderid": (builder_id, "Builder"),
        "buildnumber": (build_number, "Build"),
        "workername": (worker_name, "Worker"),
        "basedir": (basedir, "Worker"),
        "builddir": (builddir, "Worker"),
    }
    if len(stamps) == 1:
        stamp = stamps[0].stamp
        for name in ("branch", "revision", "repository", "codebase", "project"):
            own[name] = (getattr(stamp, name), "Build")
    if owners:
        own["owners"] = (list(owners), "Build")
    return own


def owners_of(requests: Iterable[PropertyMap], authors: Iterable[str]) -> tuple[str, ...]:
    """Return the owners of the build: who requested it, then the authors of changes, each once."""
    asked = (properties["owner"][0] for properties in requests if "owner" in properties)
    return tuple(dict.fromkeys((*asked, *authors)))


def slug_of(log_name: str) -> str:
    """Return the log's name for URLs: letters, digits, ``_`` and ``-``."""
    return _NOT_IN_SLUGS.sub("_", _NOT_FIRST_IN_SLUGS.sub("_", log_name))[:_SLUG_LENGTH]


def as_result(value: object) -> Result | None:
    """Return the result returned by a step's ``run()``, None if it is not a result."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return _RESULTS.get(int(value))


def no_result(value: object) -> str:
    """Return what is wrong with a value that ``run()`` of a step returned."""
    if isinstance(value, Generator):
        return "run() uses yield; put @defer.inlineCallbacks above it, or use async def and await"
    return f"the step's run() returned {value!r}; it must return a result such as SUCCESS"
