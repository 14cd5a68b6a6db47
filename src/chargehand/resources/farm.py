"""Masters, builders, workers, schedulers, change sources, projects."""

from typing import Never, TypeVar

from chargehand.domain.builder import Builder, Project
from chargehand.domain.instance import InstanceRecord
from chargehand.domain.master import ChangeSource, Master, Scheduler
from chargehand.domain.worker import Worker
from chargehand.events import messages
from chargehand.resources.announcement_rules import announces, announces_with_verb
from chargehand.resources.entity import Entity, Parameter
from chargehand.resources.field import (
    BOOLEAN,
    DATETIME,
    IDENTIFIER,
    INTEGER,
    JSON,
    STRING,
    Field,
    Fields,
    FieldType,
    Resource,
    Storage,
    list_of,
    made,
)

D = TypeVar("D", Builder, Project)
"""A type of values with a description."""

_master = Fields(Master)

MASTER = Entity(
    plural="masters",
    singular="master",
    table="masters",
    fields=(
        _master.column("masterid", INTEGER, "id", lambda master: master.id),
        _master.column("name", STRING, "name", lambda master: master.name),
        _master.column("active", BOOLEAN, "active", lambda master: master.active),
        _master.seconds("last_active", DATETIME, "last_active", lambda master: master.last_active),
    ),
    collections=("builders/n:builderid/masters", "masters"),
    singles=("builders/n:builderid/masters/n:masterid", "masters/n:masterid"),
    event_keys={"masters": lambda master: (str(master.id),)},
)


def _owner(master: Master | None) -> Resource | None:
    return None if master is None else MASTER.shown(master)


def _description(fields: Fields[D]) -> tuple[Field[D, str | None], ...]:
    return (
        fields.column("description", STRING.or_none, "description", lambda one: one.description),
        fields.column(
            "description_format",
            STRING.or_none,
            "description_format",
            lambda one: one.description_format,
        ),
        fields.column(
            "description_html",
            STRING.or_none,
            "description_html",
            lambda one: one.description_html,
        ),
    )


_builder = Fields(Builder)

BUILDER = Entity(
    plural="builders",
    singular="builder",
    table="builders",
    fields=(
        _builder.column("builderid", INTEGER, "id", lambda builder: builder.id),
        _builder.column("name", STRING, "name", lambda builder: builder.name),
        _builder.related("masterids", list_of(INTEGER), lambda builder: list(builder.master_ids)),
        *_description(_builder),
        _builder.column(
            "projectid", INTEGER.or_none, "project_id", lambda builder: builder.project_id
        ),
        _builder.json("tags", list_of(STRING), "tags", lambda builder: list(builder.tags)),
    ),
    collections=(
        "builders",
        "masters/n:masterid/builders",
        "projects/n:projectid/builders",
        "workers/n:workerid/builders",
    ),
    singles=(
        "builders/n:builderid",
        "builders/s:buildername",
        "masters/n:masterid/builders/n:builderid",
    ),
    placeholders={"buildername": "name"},
    more_parameters=(
        Parameter("recent", INTEGER, "add as many recent builds, and statistics", span=(1, 50)),
        Parameter("cause", BOOLEAN, "with recent: add why the newest build was built"),
    ),
    event_keys={"builders": lambda builder: (str(builder.id),)},
)

_worker = Fields(Worker)
_CONNECTION: FieldType[Resource] = FieldType("master_id", members=(("masterid", INTEGER),))
_CONFIGURATION: FieldType[Resource] = FieldType(
    "master_builder", members=(("masterid", INTEGER), ("builderid", INTEGER))
)
_CONFIGURED = (
    "builders/n:builderid/workers",
    "masters/n:masterid/builders/n:builderid/workers",
    "masters/n:masterid/workers",
    "workers",
)


def _connections(worker: Worker) -> list[Resource]:
    return [{"masterid": master} for master in worker.connected_to]


def _configurations(worker: Worker) -> list[Resource]:
    return [{"masterid": master, "builderid": builder} for master, builder in worker.configured_on]


WORKER = Entity(
    plural="workers",
    singular="worker",
    table="workers",
    fields=(
        _worker.column("workerid", INTEGER, "id", lambda worker: worker.id),
        _worker.column("name", STRING, "name", lambda worker: worker.name),
        _worker.related("connected_to", list_of(_CONNECTION), _connections),
        _worker.related("configured_on", list_of(_CONFIGURATION), _configurations),
        _worker.json("workerinfo", JSON, "info", lambda worker: worker.info),
        _worker.column("paused", BOOLEAN, "paused", lambda worker: worker.paused),
        _worker.column(
            "pause_reason", STRING.or_none, "pause_reason", lambda worker: worker.pause_reason
        ),
        _worker.column("paused_by", STRING.or_none, "paused_by", lambda worker: worker.paused_by),
        _worker.seconds_or_none(
            "paused_at", DATETIME, "paused_at", lambda worker: worker.paused_at
        ),
        _worker.column("graceful", BOOLEAN, "graceful", lambda worker: worker.graceful),
        _worker.column(
            "stop_reason", STRING.or_none, "stop_reason", lambda worker: worker.stop_reason
        ),
        _worker.column(
            "stopped_by", STRING.or_none, "stopped_by", lambda worker: worker.stopped_by
        ),
        _worker.seconds_or_none(
            "stopped_at", DATETIME, "stopped_at", lambda worker: worker.stopped_at
        ),
        _worker.seconds_or_none(
            "disconnected_at", DATETIME, "disconnected_at", lambda worker: worker.disconnected_at
        ),
        _worker.seconds_or_none(
            "connected_at", DATETIME, "connected_at", lambda worker: worker.connected_at
        ),
        _worker.column("protocol", STRING.or_none, "protocol", lambda worker: worker.protocol),
        _worker.seconds_or_none("lost_at", DATETIME, "lost_at", lambda worker: worker.lost_at),
        _worker.column(
            "lost_reason", STRING.or_none, "lost_reason", lambda worker: worker.lost_reason
        ),
    ),
    collections=_CONFIGURED,
    singles=(
        *(f"{workers}/i:name" for workers in _CONFIGURED),
        *(f"{workers}/n:workerid" for workers in _CONFIGURED),
    ),
    event_keys={"workers": lambda worker: (str(worker.id),)},
)

_instance = Fields(InstanceRecord)

# Ours; Buildbot shows nothing of them.
INSTANCE = Entity(
    plural="instances",
    singular="instance",
    table="instances",
    fields=(
        _instance.column("instanceid", INTEGER, "id", lambda instance: instance.id),
        _instance.column("name", STRING, "name", lambda instance: instance.name),
        _instance.column("workerid", INTEGER, "worker_id", lambda instance: instance.worker_id),
        _instance.column("masterid", INTEGER, "master_id", lambda instance: instance.master_id),
        _instance.column("state", STRING, "state", lambda instance: instance.state.value),
        _instance.column("reason", STRING.or_none, "reason", lambda instance: instance.reason),
        _instance.json(
            "identity", list_of(STRING), "identity", lambda instance: list(instance.identity)
        ),
        _instance.seconds(
            "started_at", DATETIME, "started_at", lambda instance: instance.started_at
        ),
        _instance.seconds(
            "state_since", DATETIME, "state_since", lambda instance: instance.state_since
        ),
    ),
    collections=("instances", "workers/n:workerid/instances"),
    singles=("instances/n:instanceid",),
    is_at_root=False,
    event_keys={"instances": lambda instance: (str(instance.id),)},
)

_scheduler = Fields(Scheduler)

SCHEDULER = Entity(
    plural="schedulers",
    singular="scheduler",
    table="schedulers",
    fields=(
        _scheduler.column("schedulerid", INTEGER, "id", lambda scheduler: scheduler.id),
        _scheduler.column("name", STRING, "name", lambda scheduler: scheduler.name),
        _scheduler.column("enabled", BOOLEAN, "enabled", lambda scheduler: scheduler.enabled),
        # Ours; Buildbot does not say what schedulers are.
        _scheduler.column("type", STRING.or_none, "type", lambda scheduler: scheduler.type),
        _scheduler.column(
            "waits_for", STRING.or_none, "waits_for", lambda scheduler: scheduler.waits_for
        ),
        _scheduler.seconds_or_none(
            "next_at", DATETIME, "next_at", lambda scheduler: scheduler.next_at
        ),
        _scheduler.related(
            "master", MASTER.type().or_none, lambda scheduler: _owner(scheduler.master)
        ),
    ),
    collections=("masters/n:masterid/schedulers", "schedulers"),
    singles=(
        "masters/n:masterid/schedulers/n:schedulerid",
        "schedulers/n:schedulerid",
    ),
    placeholders={"schedulername": "name"},
    event_keys={"schedulers": lambda scheduler: (str(scheduler.id),)},
)

FORCE_SCHEDULER = Entity(
    plural="forceschedulers",
    singular="forcescheduler",
    fields=(
        made("name", IDENTIFIER),
        made("button_name", STRING),
        made("label", STRING),
        made("builder_names", list_of(IDENTIFIER)),
        made("enabled", BOOLEAN),
        made("all_fields", list_of(JSON)),
    ),
    collections=(
        "builders/n:builderid/forceschedulers",
        "builders/s:buildername/forceschedulers",
        "forceschedulers",
    ),
    singles=("forceschedulers/i:schedulername",),
)

_source = Fields(ChangeSource)

CHANGE_SOURCE = Entity(
    plural="changesources",
    singular="changesource",
    table="change_sources",
    fields=(
        _source.column("changesourceid", INTEGER, "id", lambda source: source.id),
        _source.column("name", STRING, "name", lambda source: source.name),
        # Ours; Buildbot does not say whether a source finds changes.
        _source.column("state", STRING, "state", lambda source: source.state.value),
        _source.seconds_or_none(
            "state_since", DATETIME, "state_since", lambda source: source.state_since
        ),
        _source.column(
            "state_string", STRING.or_none, "state_string", lambda source: source.state_string
        ),
        _source.related("master", MASTER.type().or_none, lambda source: _owner(source.master)),
    ),
    collections=("changesources", "masters/n:masterid/changesources"),
    singles=(
        "changesources/n:changesourceid",
        "masters/n:masterid/changesources/n:changesourceid",
    ),
)

_project = Fields(Project)

PROJECT = Entity(
    plural="projects",
    singular="project",
    table="projects",
    fields=(
        _project.column("projectid", INTEGER, "id", lambda project: project.id),
        _project.column("name", IDENTIFIER, "name", lambda project: project.name),
        _project.column("slug", IDENTIFIER, "slug", lambda project: project.slug),
        _project.column("active", BOOLEAN.or_none, "active", lambda project: project.active),
        *_description(_project),
    ),
    collections=("projects",),
    singles=("projects/i:projectname", "projects/n:projectid"),
    placeholders={"projectname": "name"},
)

REFUSED_LOGIN = Entity(
    plural="refused_logins",
    singular="refused_login",
    fields=(
        made("name", STRING),
        made("address", STRING),
        made("reason", STRING),
        made("refused_at", DATETIME),
        made("count", INTEGER),
    ),
    collections=("refused_logins",),
    is_at_root=False,
)

ENTITIES: tuple[Entity[Never], ...] = (
    BUILDER,
    CHANGE_SOURCE,
    FORCE_SCHEDULER,
    INSTANCE,
    REFUSED_LOGIN,
    MASTER,
    PROJECT,
    SCHEDULER,
    WORKER,
)

RUN_BY_ONE_MASTER: tuple[Entity[Never], ...] = tuple(
    entity
    for entity in ENTITIES
    if any(one.name == "master" and one.storage is Storage.RELATED for one in entity.fields)
)
"""What only one of several masters runs at a time."""

ANNOUNCEMENT_RULES = (
    announces(WORKER, messages.WorkerConnected, "connected", lambda event: event.worker),
    announces(WORKER, messages.WorkerDisconnected, "disconnected", lambda event: event.worker),
    announces(WORKER, messages.WorkerUpdated, "state_updated", lambda event: event.worker),
    # Whom to notify is not for visitors; `master.mq` adds it.
    announces(
        WORKER,
        messages.WorkerMissing,
        "missing",
        lambda event: event.worker,
        lambda event: {"last_connection": event.last_connection},
    ),
    announces(INSTANCE, messages.InstanceChanged, "updated", lambda event: event.instance),
    announces(MASTER, messages.MasterStarted, "started", lambda event: event.master),
    announces(MASTER, messages.MasterStopped, "stopped", lambda event: event.master),
    announces_with_verb(
        BUILDER,
        messages.BuilderChanged,
        ("started", "stopped", "update"),
        lambda event: event.builder,
        lambda event: event.verb,
    ),
    announces_with_verb(
        SCHEDULER,
        messages.SchedulerChanged,
        ("created", "updated"),
        lambda event: event.scheduler,
        lambda event: event.verb,
    ),
)
"""Events of these resources."""
