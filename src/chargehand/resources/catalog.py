"""All kinds of resources."""

from __future__ import annotations

from typing import Never

from chargehand.resources import audit, builds, farm, made, records, sources, trends
from chargehand.resources.entity import Entity

ENTITIES: tuple[Entity[Never], ...] = (
    *audit.ENTITIES,
    *builds.ENTITIES,
    *farm.ENTITIES,
    *made.ENTITIES,
    *records.ENTITIES,
    *sources.ENTITIES,
    *trends.ENTITIES,
)

KINDS: dict[str, Entity[Never]] = {entity.plural: entity for entity in ENTITIES}
"""All kinds, by plural name."""
