"""Rows of builds, steps and logs as values."""

from __future__ import annotations

from chargehand.domain.build import Build, Log, Step
from chargehand.store.engine.mapping import Rows
from chargehand.store.engine.tables import builds, logs, steps

_builds = Rows(Build, builds)
_steps = Rows(Step, steps)
_logs = Rows(Log, logs)

BUILD_COLUMNS = _builds.columns
STEP_COLUMNS = _steps.columns
LOG_COLUMNS = _logs.columns

build_of = _builds.of
step_of = _steps.of
log_of = _logs.of
