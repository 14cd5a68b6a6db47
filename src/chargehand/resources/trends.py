"""Statistics of builders, steps, tests and workers by time."""

from __future__ import annotations

from typing import Never

from chargehand.resources.entity import Entity, Parameter
from chargehand.resources.field import DATETIME, INTEGER, JSON, NUMBER, STRING, made

_TIME = (
    Parameter("since", INTEGER, "from this time on, in seconds since 1970"),
    Parameter("until", INTEGER, "before this time, in seconds since 1970"),
)
_INTERVAL = Parameter("interval", STRING, "how long an interval is", words=("hour", "day", "week"))
_BUILDER = Parameter("builderid", INTEGER, "only builds of this builder")

BUILDER_STATISTICS = Entity(
    plural="builder_statistics",
    singular="builder_statistic",
    fields=(
        made("starts_at", DATETIME),
        made("builderid", INTEGER.or_none),
        made("builds", INTEGER),
        made("counts", JSON),
        made("median_seconds", NUMBER.or_none),
        made("p90_seconds", NUMBER.or_none),
        made("median_wait_seconds", NUMBER.or_none),
        made("p90_wait_seconds", NUMBER.or_none),
    ),
    collections=("statistics/builders",),
    more_parameters=(*_TIME, _INTERVAL, _BUILDER),
    is_at_root=False,
)


def _of_what_fails(noun: str) -> Entity[None]:
    """Return what is said about those that fail now and then."""
    return Entity(
        plural=f"{noun}_statistics",
        singular=f"{noun}_statistic",
        fields=(
            made("builderid", INTEGER),
            made("builder", STRING),
            made("name", STRING),
            made("builds", INTEGER),
            made("failures", INTEGER),
            made("flips", INTEGER),
        ),
        collections=(f"statistics/{noun}s",),
        more_parameters=(*_TIME, _BUILDER),
        is_at_root=False,
    )


STEP_STATISTICS = _of_what_fails("step")
TEST_STATISTICS = _of_what_fails("test")

WORKER_STATISTICS = Entity(
    plural="worker_statistics",
    singular="worker_statistic",
    fields=(
        made("workerid", INTEGER),
        made("name", STRING),
        made("starts_at", DATETIME),
        made("busy_seconds", NUMBER),
        made("builds", INTEGER),
    ),
    collections=("statistics/workers",),
    more_parameters=(*_TIME, _INTERVAL),
    is_at_root=False,
)

ENTITIES: tuple[Entity[Never], ...] = (
    BUILDER_STATISTICS,
    STEP_STATISTICS,
    TEST_STATISTICS,
    WORKER_STATISTICS,
)
