"""Builds, steps, logs, and build data."""

from typing import Never

from chargehand.domain.build import Build, Log, Step, StepUrl
from chargehand.domain.result import Result
from chargehand.events import messages
from chargehand.events.messages import Event
from chargehand.resources.announcement_rules import AnnouncementRule, Key, announces
from chargehand.resources.entity import Entity, Parameter
from chargehand.resources.field import (
    BINARY,
    BOOLEAN,
    DATETIME,
    IDENTIFIER,
    INTEGER,
    JSON,
    NUMBER,
    PROPERTIES,
    STRING,
    Field,
    Fields,
    FieldType,
    Resource,
    Storage,
    list_of,
    made,
    read,
    sourced,
)

BUILD_PATHS = (
    "builders/n:builderid/builds/n:build_number",
    "builders/s:buildername/builds/n:build_number",
    "builds/n:buildid",
)
_STEPS = tuple(
    f"{build}/steps/{step}" for build in BUILD_PATHS for step in ("i:step_name", "n:step_number")
)
_LOGS = (*(f"{step}/logs/i:log_slug" for step in (*_STEPS, "steps/n:stepid")), "logs/n:logid")


def _number(result: Result | None) -> int | None:
    return None if result is None else int(result)


_build = Fields(Build)

BUILD = Entity(
    plural="builds",
    singular="build",
    table="builds",
    fields=(
        _build.column("buildid", INTEGER, "id", lambda build: build.id),
        _build.column("number", INTEGER, "number", lambda build: build.number),
        _build.column("builderid", INTEGER, "builder_id", lambda build: build.builder_id),
        _build.column("buildrequestid", INTEGER, "request_id", lambda build: build.request_id),
        _build.column("workerid", INTEGER, "worker_id", lambda build: build.worker_id),
        _build.column("masterid", INTEGER, "master_id", lambda build: build.master_id),
        _build.seconds("started_at", DATETIME, "started_at", lambda build: build.started_at),
        _build.column("complete", BOOLEAN, "complete", lambda build: build.complete),
        _build.seconds_or_none(
            "complete_at", DATETIME, "complete_at", lambda build: build.complete_at
        ),
        _build.seconds(
            "locks_duration_s", INTEGER, "locks_duration", lambda build: build.locks_duration
        ),
        _build.column("results", INTEGER.or_none, "result", lambda build: _number(build.result)),
        _build.column("state_string", STRING, "state", lambda build: build.state),
        # Shows only the properties named in the query.
        _build.related("properties", PROPERTIES.or_none, lambda _: {}),
    ),
    collections=(
        "builders/n:builderid/builds",
        "builders/s:buildername/builds",
        "buildrequests/n:buildrequestid/builds",
        "builds",
        "changes/n:changeid/builds",
        "workers/n:workerid/builds",
    ),
    singles=BUILD_PATHS,
    variants={"triggered_builds": ("builds/n:buildid/triggered_builds",)},
    placeholders={"build_number": "number"},
    more_parameters=(
        Parameter("cause", BOOLEAN, "add why each was built: its newest change, and the reason"),
    ),
    event_keys={
        "builders": lambda build: (str(build.builder_id), "builds", str(build.number)),
        "builds": lambda build: (str(build.id),),
        "workers": lambda build: (str(build.worker_id), "builds", str(build.id)),
    },
)

_step = Fields(Step)
_URL: FieldType[Resource] = FieldType("Url", members=(("name", STRING), ("url", STRING)))


def _link(url: StepUrl) -> Resource:
    return {"name": url.name, "url": url.url}


STEP = Entity(
    plural="steps",
    singular="step",
    table="steps",
    fields=(
        _step.column("stepid", INTEGER, "id", lambda step: step.id),
        _step.column("number", INTEGER, "number", lambda step: step.number),
        _step.column("name", IDENTIFIER, "name", lambda step: step.name),
        _step.column("buildid", INTEGER, "build_id", lambda step: step.build_id),
        _step.seconds_or_none("started_at", DATETIME, "started_at", lambda step: step.started_at),
        _step.seconds_or_none(
            "locks_acquired_at", DATETIME, "locks_acquired_at", lambda step: step.locks_acquired_at
        ),
        _step.column("complete", BOOLEAN, "complete", lambda step: step.complete),
        _step.seconds_or_none(
            "complete_at", DATETIME, "complete_at", lambda step: step.complete_at
        ),
        _step.column("results", INTEGER.or_none, "result", lambda step: _number(step.result)),
        _step.column("state_string", STRING, "state", lambda step: step.state),
        _step.json("urls", list_of(_URL), "urls", lambda step: [_link(url) for url in step.urls]),
        _step.column("hidden", BOOLEAN, "hidden", lambda step: step.hidden),
    ),
    collections=tuple(f"{build}/steps" for build in BUILD_PATHS),
    singles=(*_STEPS, "steps/n:stepid"),
    placeholders={"step_name": "name", "step_number": "number"},
    event_keys={
        "builds": lambda step: (str(step.build_id), "steps", str(step.id)),
        "steps": lambda step: (str(step.id),),
    },
)

STATISTICS = Entity(
    plural="statistics",
    singular="statistics",
    table="steps",
    fields=(
        read("stepid", INTEGER, "id"),
        read("number", INTEGER),
        read("name", IDENTIFIER),
        Field(name="statistics", type=JSON, storage=Storage.JSON, column="statistics"),
    ),
    collections=tuple(f"{build}/statistics" for build in BUILD_PATHS),
)

_log = Fields(Log)

LOG = Entity(
    plural="logs",
    singular="log",
    table="logs",
    fields=(
        _log.column("logid", INTEGER, "id", lambda log: log.id),
        _log.column("name", STRING, "name", lambda log: log.name),
        _log.column("slug", IDENTIFIER, "slug", lambda log: log.slug),
        _log.column("stepid", INTEGER, "step_id", lambda log: log.step_id),
        _log.column("complete", BOOLEAN, "complete", lambda log: log.complete),
        _log.column("num_lines", INTEGER, "line_count", lambda log: log.line_count),
        _log.column("type", IDENTIFIER, "type", lambda log: log.type.value),
    ),
    collections=tuple(f"{step}/logs" for step in (*_STEPS, "steps/n:stepid")),
    singles=_LOGS,
    placeholders={"log_slug": "slug"},
    event_keys={
        "logs": lambda log: (str(log.id),),
        "steps": lambda log: (str(log.step_id), "logs", log.slug),
    },
)

LOG_CHUNK = Entity(
    plural="logchunks",
    singular="logchunk",
    fields=(made("logid", INTEGER), made("firstline", INTEGER), made("content", STRING)),
    singles=(
        *(f"{log}/{form}" for log in _LOGS for form in ("contents", "raw", "raw_inline")),
        "logchunks",
    ),
    parameters=(
        Parameter("offset", INTEGER, "the first line, counted from 0"),
        Parameter("limit", INTEGER, "how many lines to return; all by default"),
    ),
)

_RANGE: FieldType[list[int]] = FieldType("range")

LOG_MATCH = Entity(
    plural="matches",
    singular="match",
    fields=(made("line", INTEGER), made("text", STRING), made("ranges", list_of(_RANGE))),
    collections=tuple(f"{log}/search" for log in _LOGS),
    parameters=(
        Parameter("text", STRING, "what to look for, as it is"),
        Parameter("regex", STRING, "what to look for, as a regular expression (RE2)"),
        Parameter("case", INTEGER, "1: upper and lower case differ; 0 by default"),
        Parameter("offset", INTEGER, "the line to begin at, counted from 0"),
        Parameter("limit", INTEGER, "how many lines to return, 100 by default, 1,000 at most"),
        Parameter("lines", INTEGER, "1: return only the numbers of lines, 10,000 at most"),
    ),
)

FIRST_ERROR = Entity(
    plural="first_errors",
    singular="first_error",
    fields=(
        made("stepid", INTEGER),
        made("step", IDENTIFIER),
        made("logid", INTEGER),
        made("slug", IDENTIFIER),
        made("line", INTEGER),
        made("text", STRING),
        made("rule", STRING),
    ),
    collections=tuple(f"{path}/first_error" for path in (*_LOGS, *BUILD_PATHS)),
)

FAILURE = Entity(
    plural="failures",
    singular="failure",
    fields=(
        made("buildid", INTEGER),
        made("root_buildid", INTEGER),
        made("root_builderid", INTEGER),
        made("root_number", INTEGER),
        made("others", INTEGER),
        made("step", IDENTIFIER.or_none),
        made("step_number", INTEGER.or_none),
        made("slug", IDENTIFIER.or_none),
        made("line", INTEGER.or_none),
        made("text", STRING.or_none),
        made("rule", STRING.or_none),
    ),
    collections=("failures",),
    is_at_root=False,
)

BUILD_DATA = Entity(
    plural="build_data",
    singular="build_data",
    table="build_data",
    fields=(
        read("buildid", INTEGER, "build_id"),
        read("name", STRING),
        read("length", INTEGER),
        read("value", BINARY.or_none),
        read("source", STRING),
    ),
    collections=tuple(f"{build}/data" for build in BUILD_PATHS),
    singles=(
        *(f"{build}/data/i:name" for build in BUILD_PATHS),
        *(f"{build}/data/i:name/value" for build in BUILD_PATHS),
    ),
)

ETA = Entity(
    plural="etas",
    singular="eta",
    fields=(
        made("buildid", INTEGER),
        made("stepid", INTEGER.or_none),
        made("name", STRING),
        made("eta", NUMBER),
        made("seconds_left", NUMBER),
        made("progress", NUMBER),
    ),
    collections=tuple(f"{build}/etas" for build in BUILD_PATHS),
    placeholders={"build_number": "number"},
)

ENTITIES: tuple[Entity[Never], ...] = (
    BUILD,
    BUILD_DATA,
    ETA,
    FAILURE,
    FIRST_ERROR,
    LOG,
    LOG_CHUNK,
    LOG_MATCH,
    STATISTICS,
    STEP,
)


def _properties_keys(event: Event) -> tuple[Key, ...]:
    assert isinstance(event, messages.BuildPropertiesUpdated)
    return (("builds", str(event.build_id), "properties", "update"),)


def _properties_resource(event: Event) -> Resource:
    assert isinstance(event, messages.BuildPropertiesUpdated)
    return sourced(event.properties)


ANNOUNCEMENT_RULES = (
    announces(BUILD, messages.BuildStarted, "new", lambda event: event.build),
    announces(BUILD, messages.BuildUpdated, "update", lambda event: event.build),
    announces(BUILD, messages.BuildFinished, "finished", lambda event: event.build),
    AnnouncementRule(
        messages.BuildPropertiesUpdated,
        None,
        frozenset({"builds"}),
        ("update",),
        _properties_keys,
        _properties_resource,
    ),
    announces(STEP, messages.StepAdded, "new", lambda event: event.step),
    announces(STEP, messages.StepStarted, "started", lambda event: event.step),
    announces(STEP, messages.StepUpdated, "updated", lambda event: event.step),
    announces(STEP, messages.StepFinished, "finished", lambda event: event.step),
    announces(LOG, messages.LogAdded, "new", lambda event: event.log),
    announces(LOG, messages.LogAppended, "append", lambda event: event.log),
    announces(LOG, messages.LogFinished, "finished", lambda event: event.log),
)
"""Events of these resources."""
