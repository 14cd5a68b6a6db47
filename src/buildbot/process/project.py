"""Projects: what builders belong to."""

from __future__ import annotations

from typing import Any

from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error
from chargehand.config.model import ProjectConfig


class Project(ComparableMixin):
    """A named group of builders; ``slug`` is its name in addresses, by default the name itself.

    Args:
        name (str): The project's name.
        slug (str | None): Short name; by default made of the name.
        description (str | None): Text about the project.
        description_format (str | None): Format of that text: None or "markdown".
    """

    compare_attrs = ("name", "slug", "description", "description_format")

    def __init__(
        self,
        name: str,
        slug: str | None = None,
        description: str | None = None,
        description_format: str | None = None,
    ) -> None:
        slug = name if slug is None else slug
        _check_text("name", name, "str")
        _check_text("slug", slug, "str")
        if description is not None:
            _check_text("description", description, "a string or None")
        if description_format not in (None, "markdown"):
            error("Project: description_format must be 'markdown' or None")
        self.name = name
        self.slug = slug
        self.description = description
        self.description_format = description_format

    def _as_project_config(self) -> ProjectConfig:
        return ProjectConfig(
            name=self.name,
            slug=self.slug,
            description=self.description,
            description_format=self.description_format,
        )


def _check_text(argument: str, value: Any, kinds: str) -> None:
    if not isinstance(value, str):
        error(f"Project: {argument} must be {kinds}, not {value!r}")
