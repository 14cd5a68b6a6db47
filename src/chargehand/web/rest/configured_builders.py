"""What the configuration in force says of a builder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chargehand.config.model import BuilderConfig, MasterConfig
from chargehand.domain.lock import LockAccess
from chargehand.domain.planned_step import PlannedStep
from chargehand.domain.properties import Property
from chargehand.kit.guard import guarded
from chargehand.resources.field import Resource
from chargehand.resources.query import Query
from chargehand.web.ports import Resources

_log = logging.getLogger(__name__)


class ConfiguredBuilders:
    """Shows builders as this master is configured to build them."""

    def __init__(self, *, resources: Resources, config: Callable[[], MasterConfig]) -> None:
        self._resources = resources
        self._config = config

    async def rows(self, query: Query) -> list[Resource]:
        """Return a row for the builder; none if it is not configured here, or not visible."""
        wanted = Query(
            kind="builders",
            sees=query.sees,
            scope=query.scope,
            fields=("builderid", "name"),
            limit=1,
        )
        found = (await self._resources.fetch(wanted)).rows
        if not found:
            return []
        name = str(found[0]["name"])
        builder = next((one for one in self._config().builders if one.name == name), None)
        if builder is None:
            return []
        return [
            {
                "builderid": found[0]["builderid"],
                "name": name,
                "workers": [one for one in builder.worker_names if query.sees.workers.has(one)],
                "locks": None if callable(builder.locks) else _locks(builder.locks),
                "properties": [
                    *_properties(builder.properties, is_default=False),
                    *_properties(builder.default_properties, is_default=True),
                ],
                "steps": _steps(builder),
            }
        ]


def _steps(builder: BuilderConfig) -> list[Resource] | None:
    """Return the steps in their order; None if making them fails."""
    planned: Sequence[PlannedStep] | None = None
    with guarded(_log, "cannot show the steps of builder %s", builder.name):
        planned = builder.plan.outline()
    if planned is None:
        return None
    return [
        {
            "name": step.name,
            "type": step.kind,
            "locks": None if step.locks is None else _locks(step.locks),
            "runs": step.runs,
            "hidden": step.is_hidden,
        }
        for step in planned
    ]


def _locks(accesses: Sequence[LockAccess]) -> list[Resource]:
    return [
        {
            "name": access.lock.name,
            "scope": access.lock.scope.value,
            "mode": access.mode.value,
            "count": access.count,
            "max_count": access.lock.max_count,
        }
        for access in accesses
    ]


def _properties(values: Mapping[str, Property], *, is_default: bool) -> list[Resource]:
    return [
        {
            "name": name,
            "value": value if _is_plain(value) else None,
            "is_computed": not _is_plain(value),
            "is_default": is_default,
        }
        for name, (value, _) in sorted(values.items())
    ]


def _is_plain(value: Any) -> bool:
    """Return whether a value is the same in each build: what is rendered is not."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or type(value) in {bool, int, float, str}
