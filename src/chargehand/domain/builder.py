"""A builder, and its optional project."""

import msgspec

from chargehand.domain.identifiers import BuilderId, MasterId, ProjectId

VIRTUAL_TAG = "_virtual_"
"""The tag of builders that are not configured, but named by builds."""


class Builder(msgspec.Struct, frozen=True, kw_only=True):
    """A stored builder."""

    id: BuilderId
    name: str
    master_ids: tuple[MasterId, ...] = ()
    """The running masters that configure it, sorted."""
    description: str | None = None
    description_format: str | None = None
    description_html: str | None = None
    project_id: ProjectId | None = None
    tags: tuple[str, ...] = ()


class VirtualBuilder(msgspec.Struct, frozen=True, kw_only=True):
    """A builder that is not configured: a build names it in its properties, and is listed there."""

    name: str
    description: str | None = None
    project: str | None = None
    """The name of a configured project."""
    tags: tuple[str, ...] = ()


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A stored project; an inactive one is no longer configured."""

    id: ProjectId
    name: str
    slug: str
    active: bool
    description: str | None = None
    description_format: str | None = None
    description_html: str | None = None
