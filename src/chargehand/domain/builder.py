"""A builder: a plan that has a name, and the project that it may belong to."""

import msgspec

from chargehand.domain.identifiers import BuilderId, MasterId, ProjectId


class Builder(msgspec.Struct, frozen=True, kw_only=True):
    """A builder as the store has it."""

    id: BuilderId
    name: str
    master_ids: tuple[MasterId, ...] = ()
    """The running masters that have it in their configuration, sorted."""
    description: str | None = None
    description_format: str | None = None
    description_html: str | None = None
    project_id: ProjectId | None = None
    tags: tuple[str, ...] = ()


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project as the store has it; an inactive one is in no configuration any more."""

    id: ProjectId
    name: str
    slug: str
    active: bool
    description: str | None = None
    description_format: str | None = None
    description_html: str | None = None
