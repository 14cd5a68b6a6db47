"""Rows of builds, steps and logs as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from chargehand.domain.build import Build, Log, LogType, Step, StepUrl
from chargehand.domain.result import Result
from chargehand.store.tables import builds, logs, steps

_urls = msgspec.json.Decoder(tuple[StepUrl, ...])

BUILD_COLUMNS = (
    builds.c.id,
    builds.c.number,
    builds.c.builder_id,
    builds.c.request_id,
    builds.c.worker_id,
    builds.c.master_id,
    builds.c.started_at,
    builds.c.locks_duration,
    builds.c.complete,
    builds.c.complete_at,
    builds.c.result,
    builds.c.state,
)
STEP_COLUMNS = (
    steps.c.id,
    steps.c.build_id,
    steps.c.number,
    steps.c.name,
    steps.c.state,
    steps.c.started_at,
    steps.c.locks_acquired_at,
    steps.c.complete,
    steps.c.complete_at,
    steps.c.result,
    steps.c.urls,
    steps.c.hidden,
)
LOG_COLUMNS = (
    logs.c.id,
    logs.c.step_id,
    logs.c.name,
    logs.c.slug,
    logs.c.type,
    logs.c.complete,
    logs.c.line_count,
)


def build_of(row: Sequence[Any]) -> Build:
    """Return the value of a row that begins with `BUILD_COLUMNS`."""
    return Build(
        id=row[0],
        number=row[1],
        builder_id=row[2],
        request_id=row[3],
        worker_id=row[4],
        master_id=row[5],
        started_at=row[6],
        locks_duration=row[7],
        complete=row[8],
        complete_at=row[9],
        result=None if row[10] is None else Result(row[10]),
        state=row[11],
    )


def step_of(row: Sequence[Any]) -> Step:
    """Return the value of a row that begins with `STEP_COLUMNS`."""
    return Step(
        id=row[0],
        build_id=row[1],
        number=row[2],
        name=row[3],
        state=row[4],
        started_at=row[5],
        locks_acquired_at=row[6],
        complete=row[7],
        complete_at=row[8],
        result=None if row[9] is None else Result(row[9]),
        urls=urls_of_json(row[10]),
        hidden=row[11],
    )


def log_of(row: Sequence[Any]) -> Log:
    """Return the value of a row that begins with `LOG_COLUMNS`."""
    return Log(
        id=row[0],
        step_id=row[1],
        name=row[2],
        slug=row[3],
        type=LogType(row[4]),
        complete=row[5],
        line_count=row[6],
    )


def urls_of_json(text: str) -> tuple[StepUrl, ...]:
    """Return the links of a step."""
    return _urls.decode(text) if text != "[]" else ()
