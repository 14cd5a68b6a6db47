"""Computed resources: properties, and the API's description of itself."""

from typing import Never

from chargehand.resources.builds import BUILD, BUILD_PATHS
from chargehand.resources.entity import Entity, Parameter
from chargehand.resources.farm import BUILDER, FORCE_SCHEDULER, SCHEDULER, WORKER
from chargehand.resources.field import BOOLEAN, INTEGER, JSON, STRING, list_of, made
from chargehand.resources.sources import REQUEST

PROPERTY_LIST = Entity(
    plural="_properties",
    singular="_property",
    fields=(made("name", STRING), made("source", STRING), made("value", JSON)),
    collections=(
        "builds/n:buildid/property_list",
        "buildsets/n:bsid/properties_list",
        "changes/n:changeid/properties_list",
    ),
)

PROPERTY_MAP: Entity[None] = Entity(
    plural="properties",
    singular="sourcedproperties",
    fields=(),
    singles=(
        *(f"{build}/properties" for build in BUILD_PATHS),
        "buildsets/n:bsid/properties",
    ),
)

ROOT_LINK = Entity(
    plural="rootlinks",
    singular="rootlink",
    fields=(made("name", STRING),),
    collections=("",),
)

SPECIFICATION = Entity(
    plural="specs",
    singular="spec",
    fields=(
        made("path", STRING),
        made("type", STRING),
        made("plural", STRING),
        made("type_spec", JSON),
    ),
    collections=("application.spec",),
)

ACTION = Entity(
    plural="actions",
    singular="action",
    fields=(made("action", STRING), made("is_allowed", BOOLEAN), made("reason", STRING.or_none)),
    collections=tuple(
        f"{path}/actions"
        for entity in (BUILD, BUILDER, FORCE_SCHEDULER, REQUEST, SCHEDULER, WORKER)
        for path in entity.singles
    ),
    more_parameters=(
        Parameter("builderid", INTEGER, "of a force scheduler: only about this builder"),
    ),
)

CONFIGURED_BUILDER = Entity(
    plural="configured_builders",
    singular="configured_builder",
    fields=(
        made("builderid", INTEGER),
        made("name", STRING),
        made("workers", list_of(STRING)),
        made("locks", list_of(JSON).or_none),
        made("properties", list_of(JSON)),
        made("steps", list_of(JSON).or_none),
    ),
    singles=("builders/n:builderid/configuration", "builders/s:buildername/configuration"),
    placeholders={"buildername": "name"},
    is_at_root=False,
)

SEARCH = Entity(
    plural="search",
    singular="found",
    fields=(
        made("kind", STRING),
        made("id", INTEGER),
        made("title", STRING),
        made("subtitle", STRING),
        made("path", STRING),
    ),
    collections=("search",),
    more_parameters=(Parameter("q", STRING, "what to look for"),),
    is_at_root=False,
)

ENTITIES: tuple[Entity[Never], ...] = (
    ACTION,
    CONFIGURED_BUILDER,
    PROPERTY_LIST,
    PROPERTY_MAP,
    ROOT_LINK,
    SEARCH,
    SPECIFICATION,
)
