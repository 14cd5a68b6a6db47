"""Every kind of resource that there is."""

from __future__ import annotations

from typing import Never

from chargehand.resources import builds, farm, made, records, sources
from chargehand.resources.entity import Entity

ENTITIES: tuple[Entity[Never], ...] = (
    builds.BUILD,
    builds.BUILD_DATA,
    builds.LOG,
    builds.LOG_CHUNK,
    builds.STEP,
    farm.BUILDER,
    farm.CHANGE_SOURCE,
    farm.FORCE_SCHEDULER,
    farm.MASTER,
    farm.PROJECT,
    farm.SCHEDULER,
    farm.WORKER,
    made.PROPERTY_LIST,
    made.PROPERTY_MAP,
    made.ROOT_LINK,
    made.SPECIFICATION,
    records.BRANCH,
    records.CODEBASE,
    records.COMMIT,
    records.COMMIT_GRAPH,
    records.TEST_RESULT,
    records.TEST_RESULT_SET,
    sources.BUILDSET,
    sources.CHANGE,
    sources.REQUEST,
    sources.SOURCE_STAMP,
    sources.WHY,
)

KINDS: dict[str, Entity[Never]] = {entity.plural: entity for entity in ENTITIES}
"""Every kind by its plural."""
