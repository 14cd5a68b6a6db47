"""A builder, as a configuration describes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from buildbot._border.comparison import ComparableMixin
from buildbot._border.environment import problems_of_environment
from buildbot._border.errors import error, warn
from buildbot._border.initialised import what_is_forgotten
from buildbot._border.making import place_of_making
from buildbot._border.rendering import is_constant
from buildbot._border.text import bytes2unicode, safeTranslate
from buildbot.config.old_arguments import of_today
from buildbot.process.build_factory import BuildFactory

_OPTIONAL = (
    "tags",
    "nextWorker",
    "nextBuild",
    "locks",
    "env",
    "properties",
    "defaultProperties",
    "collapseRequests",
    "description",
    "description_format",
    "project",
)

JANITOR_NAME = "__Janitor"
"""The name of the janitor's builder."""

RESERVED_UNDERSCORE_NAMES = [JANITOR_NAME]
"""Names of builders that may begin with an underscore anyway; plug-ins add theirs."""

NAMELESS = "<unknown>"
"""Stands for the name of a builder whose name cannot be used."""


class BuilderConfig(ComparableMixin):
    """What a builder builds, where, and how; the arguments are those of the manual's Builders.

    Args:
        name (str, required): The builder's name.
        workername (str | None): Worker that it builds on.
        workernames (list[str] | str | None): Workers that it builds on.
        builddir (str | None): Its directory on the master; by default its name.
        workerbuilddir (str | None): Its directory on the workers; by default builddir.
        factory (Any, required): util.BuildFactory with its steps.
        tags (list[str] | None): Words by which builders are found.
        nextWorker (Callable[..., Any] | None): function(builder, workers, request) that chooses a
            worker.
        nextBuild (Callable[..., Any] | None): function(builder, requests) that chooses the next
            request.
        locks (Any): Lock accesses that each build holds, or a renderable of them.
        env (dict[str, Any] | None): Environment variables of all its steps' commands: texts, lists
            of texts, None, or renderables of them.
        properties (dict[str, Any] | None): Properties of its builds.
        collapseRequests (bool | Callable[..., Any] | None): Whether equal requests become one
            build, or function(master, builder, request1, request2) that returns it; None for
            c['collapseRequests'].
        description (str | None): Text about the builder.
        description_format (str | None): Format of that text: None or "markdown".
        canStartBuild (Callable[..., Any] | None): function(builder, workerforbuilder, request) that
            says whether a build may start.
        defaultProperties (dict[str, Any] | None): Properties of its builds, unless something else
            sets them.
        project (str | None): Name of the util.Project that it belongs to.
        do_build_if (bool | Callable[[Any], Any] | None, renderable): Whether a build is done, or
            function(build) that returns it, also as a Deferred or coroutine; otherwise it is
            SKIPPED. It is called before the build has steps or a started worker.
    """

    compare_attrs = (
        "name",
        "workernames",
        "builddir",
        "workerbuilddir",
        "factory",
        "canStartBuild",
        "do_build_if",
        *_OPTIONAL,
    )

    def __init__(
        self,
        name: Any = None,
        workername: str | None = None,
        workernames: str | Sequence[str] | None = None,
        builddir: str | None = None,
        workerbuilddir: str | None = None,
        factory: BuildFactory | None = None,
        tags: list[str] | None = None,
        nextWorker: Callable[..., Any] | None = None,
        nextBuild: Callable[..., Any] | None = None,
        locks: Any = None,
        env: dict[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        collapseRequests: Any = None,
        description: str | None = None,
        description_format: str | None = None,
        canStartBuild: Callable[..., Any] | None = None,
        defaultProperties: Mapping[str, Any] | None = None,
        project: str | None = None,
        do_build_if: Any = None,
        **old: Any,
    ) -> None:
        self._made_at = place_of_making(self)
        self.name: str = _checked_name(name)
        where = f'builder "{self.name}"'
        if old:
            renamed = of_today(where, old, type(self))
            workername = renamed.get("workername", workername)
            workernames = renamed.get("workernames", workernames)
            workerbuilddir = renamed.get("workerbuilddir", workerbuilddir)
            nextWorker = renamed.get("nextWorker", nextWorker)
            collapseRequests = renamed.get("collapseRequests", collapseRequests)
            tags = renamed.get("tags", tags)
        self.factory = _checked_factory(where, factory)
        self.workernames = _checked_worker_names(where, workername, workernames)
        self.builddir = _directory(where, "builddir", builddir, safeTranslate(self.name).decode())
        self.workerbuilddir = _directory(where, "workerbuilddir", workerbuilddir, self.builddir)
        self.tags = _checked_tags(where, tags)
        self.nextWorker = _checked_callable(where, "nextWorker", nextWorker)
        self.nextBuild = _checked_callable(where, "nextBuild", nextBuild)
        self.canStartBuild = _checked_callable(where, "canStartBuild", canStartBuild)
        self.do_build_if = _checked_condition(where, do_build_if)
        self.locks = locks or []
        self.env = env or {}
        for problem in problems_of_environment(self.env):
            error(f"{where}: {problem}")
        # The same, where it is a dictionary: files add to it later.
        self.properties = properties if isinstance(properties, dict) else dict(properties or {})
        self.defaultProperties = dict(defaultProperties or {})
        for key in self.properties.keys() | self.defaultProperties.keys():
            if not isinstance(key, str):
                error(f"{where}: property names must be strings, not {key!r}")
        self.collapseRequests = collapseRequests
        self.description = _checked_description(where, description, description_format)
        self.description_format = description_format
        if project is not None and not isinstance(project, str):
            error(f"{where}: project must be a string, not {project!r}")
        self.project = project

    def getConfigDict(self) -> dict[str, Any]:
        """Return what is set, as the dictionary form of a builder."""
        found = {name: getattr(self, name) for name in _OPTIONAL}
        return {
            "name": self.name,
            "workernames": self.workernames,
            "factory": self.factory,
            "builddir": self.builddir,
            "workerbuilddir": self.workerbuilddir,
            **{name: value for name, value in found.items() if value},
        }


def _checked_name(name: Any) -> str:
    if isinstance(name, bytes):
        name = bytes2unicode(name)
    if not name and (name is None or isinstance(name, str)):
        error("a builder needs a name: BuilderConfig(name='...')")
        return NAMELESS
    if not isinstance(name, str):
        error(f"builder name must be a string, not {name!r}")
        return NAMELESS
    if name.startswith("_") and name not in RESERVED_UNDERSCORE_NAMES:
        error(f'builder name "{name}" must not start with an underscore')
    return name


def _checked_factory(where: str, factory: Any) -> Any:
    if factory is None:
        error(f"{where} has no factory: pass factory=util.BuildFactory([...])")
    elif not isinstance(factory, BuildFactory):
        error(f"{where}: factory must be a util.BuildFactory, not {factory!r}")
    elif (forgotten := what_is_forgotten(factory)) is not None:
        error(f"{where}: {forgotten}")
    return factory


def _checked_worker_names(where: str, one: Any, several: Any) -> list[str]:
    names: list[str] = []
    if isinstance(several, str):
        names = [several]
    elif isinstance(several, list) and not one:
        names = several  # the same: files append to it later
    elif isinstance(several, list | tuple | set | frozenset):
        names = list(several)
    elif several:
        error(f"{where}: workernames must be a list of strings, not {several!r}")
        return []
    if one:
        if not isinstance(one, str):
            error(f"{where}: workername must be a string, not {one!r}")
            return []
        names.append(one)
    for name in names:
        if not isinstance(name, str):
            error(f"{where}: workernames must be a list of strings, not {names!r}")
            return []
    if not names:
        error(f"{where} has no workers: pass workernames=['...']")
    return names


def _directory(where: str, argument: str, directory: Any, default: str) -> str:
    if directory is None:
        return default
    if isinstance(directory, bytes):
        directory = bytes2unicode(directory)
    if isinstance(directory, str) and not directory:
        warn(f"{where}: {argument} is '': its builds share the directory of the worker itself")
        return directory
    if not isinstance(directory, str) or "\0" in directory:
        error(f"{where}: {argument} must be the name of a directory, not {directory!r}")
        return default
    return directory


def _checked_tags(where: str, tags: Any) -> list[str]:
    if not tags:
        return []
    if not isinstance(tags, list):
        error(f"{where}: tags must be a list of strings, not {tags!r}")
        return []
    if any(not isinstance(tag, str) for tag in tags):
        error(f"{where}: tags must be a list of strings, not {tags!r}")
    elif len(tags) != len(set(tags)):
        doubled = ", ".join(sorted({f'"{tag}"' for tag in tags if tags.count(tag) > 1}))
        error(f"{where}: duplicate tags: {doubled}")
    return tags


def _checked_callable(where: str, name: str, value: Any) -> Any:
    if value is not None and not callable(value):
        error(f"{where}: {name} must be a function, not {value!r}")
    return value


def _checked_condition(where: str, value: Any) -> Any:
    if is_constant(value) and not (isinstance(value, bool | None) or callable(value)):
        error(f"{where}: do_build_if must be a function, True or False, not {value!r}")
    return value


def _checked_description(where: str, description: Any, format: Any) -> str | None:
    if format not in (None, "markdown"):
        error(f"{where}: description_format must be 'markdown' or None, not {format!r}")
    if isinstance(description, list) and all(isinstance(word, str) for word in description):
        warn(f"{where}: description must be a string in Buildbot 4, not {description!r}")
        return " ".join(description)
    if description is None or isinstance(description, str):
        return description
    error(f"{where}: description must be a string, not {description!r}")
    return None
