"""Properties of builds, and values that depend on them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from buildbot._border.bridge import settled
from buildbot._border.comparison import ComparableMixin
from buildbot._border.rendering import Renderable, is_constant, render_outward, render_value
from buildbot.interfaces import IProperties, implementer
from buildbot.process.interpolation import Interpolate, WithProperties
from buildbot.process.rendering import (
    BuildToken,
    FlattenList,
    Operand,
    Property,
    Secret,
    Transform,
    renderer,
)
from chargehand.kit.redaction import Redaction

__all__ = [
    "BuildToken",
    "FlattenList",
    "Interpolate",
    "Properties",
    "PropertiesMixin",
    "Property",
    "Renderable",
    "Secret",
    "Transform",
    "URLForBuild",
    "WithProperties",
    "render_value",
    "renderer",
]


class _URLForBuild(Operand):
    """The address of the build's page."""

    async def rendering(self, properties: Any) -> str:
        build = properties.getBuild()
        base = build.master.config.buildbotURL
        return f"{base}#/builders/{build.builder.builderid}/builds/{build.number}"

    def __repr__(self) -> str:
        return "URLForBuild"


URLForBuild = _URLForBuild()

_SIMPLE = (str, int, float, type(None))


_OLD_NAMES = {"slavename": "workername"}
"""Today's names of properties, by those of Buildbot 0.8."""


@implementer(IProperties)
class Properties(ComparableMixin):
    """Named JSON values, each with a word for its source.

    In a build ``build``, ``master``, ``sourcestamps`` and ``changes`` (dictionaries) and ``files``
    tell renderers more; elsewhere they are None and empty.
    """

    compare_attrs = ("properties",)

    def __init__(self, **kwargs: Any) -> None:
        self.properties: dict[str, tuple[Any, str]] = {}
        self.runtime: set[str] = set()
        self.build: Any = None
        self.master: Any = None
        self.sourcestamps: list[dict[str, Any]] = []
        self.changes: list[Any] = []
        self._redaction = Redaction()
        if kwargs:
            self.update(kwargs, "TEST")

    @property
    def files(self) -> list[str]:
        """All files of all changes."""
        found: list[str] = []
        for change in self.changes:
            files = change["files"] if isinstance(change, dict) else change.files
            found.extend(file for file in files if file not in found)
        return found

    @classmethod
    def fromDict(cls, propDict: Mapping[str, Any]) -> Properties:
        """Return properties of a dictionary of (value, source) pairs."""
        made = cls()
        for name, (value, source) in propDict.items():
            made.setProperty(name, value, source)
        return made

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._named(name) in self.properties

    def __getitem__(self, name: str) -> Any:
        return self.properties[self._named(name)][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self.properties)

    def __repr__(self) -> str:
        return f"Properties(**{ {name: value for name, (value, _) in self.properties.items()}!r})"

    def getPropertySource(self, name: str) -> str:
        """Return where the property came from. Raises KeyError."""
        return self.properties[self._named(name)][1]

    def asList(self) -> list[tuple[str, Any, str]]:
        """Return (name, value, source), sorted by name."""
        return sorted((name, value, source) for name, (value, source) in self.properties.items())

    def asDict(self) -> dict[str, tuple[Any, str]]:
        """Return (value, source) by name: the properties' own copy is not given away."""
        return dict(self.properties)

    def update(self, dict: Mapping[str, Any], source: str, runtime: bool = False) -> None:
        """Set several properties."""
        for name, value in dict.items():
            self.setProperty(name, value, source, runtime=runtime)

    def updateFromProperties(self, other: Properties) -> None:
        """Set all properties of *other*."""
        self.properties.update(other.properties)
        self.runtime.update(other.runtime)

    def updateFromPropertiesNoRuntime(self, other: Properties) -> None:
        """Set the properties of *other* that were there before its build ran."""
        for name, found in other.properties.items():
            if name not in other.runtime:
                self.properties[name] = found

    def getProperty(self, name: str, default: Any = None) -> Any:
        """Return the value, or *default* if there is no such property."""
        found = self.properties.get(self._named(name))
        return default if found is None else found[0]

    get = getProperty

    def hasProperty(self, name: str) -> bool:
        """Return whether there is such a property."""
        return self._named(name) in self.properties

    def _named(self, name: str) -> str:
        """Return today's name of a property that is asked for by its old one."""
        return name if name in self.properties else _OLD_NAMES.get(name, name)

    has_key = hasProperty

    def setProperty(self, name: str, value: Any, source: str, runtime: bool = False) -> None:
        """Set a property; TypeError is raised for a value that is neither JSON nor a renderable."""
        if not isinstance(name, str):
            raise TypeError(f"the name of a property must be a string, not {name!r}")
        if type(value) not in _SIMPLE and type(value) is not bool:
            try:
                if is_constant(value):
                    json.dumps(value)
            except RecursionError as error:
                sentence = "it is nested too deeply, or contains itself"
                raise TypeError(f'property "{name}" cannot be stored: {sentence}') from error
            except (TypeError, ValueError) as error:
                raise TypeError(f'property "{name}" cannot be stored: {error}') from error
        self.properties[name] = (value, source)
        if runtime:
            self.runtime.add(name)

    def getProperties(self) -> Properties:
        """Return these properties."""
        return self

    def getBuild(self) -> Any:
        """Return the build, None outside of one."""
        return self.build

    def getSourceStamp(self, codebase: str = "") -> Any:
        """Return the source stamp of a codebase, None if there is none."""
        if self.build is not None:
            return self.build.getSourceStamp(codebase)
        stamps = (stamp for stamp in self.sourcestamps if stamp.get("codebase") == codebase)
        return next(stamps, None)

    def render(self, value: Any) -> Any:
        """Return a Deferred of *value* with all renderables in it rendered."""
        return render_outward(value, self)

    def useSecret(self, secret_value: str, secret_name: str) -> None:
        """Remember a secret that was used: `cleanupTextFromSecrets` takes it out of texts."""
        self._redaction.hide(secret_value, f"<{secret_name}>")

    def hasUsedSecrets(self) -> bool:
        """Return whether a secret was used so far."""
        return self._redaction.has_secrets

    def cleanupTextFromSecrets(self, text: str) -> str:
        """Return *text* with ``<name>`` for the value of every secret used so far."""
        return self._redaction.secrets_only(text)


class PropertiesMixin:
    """Gives an object with ``properties`` (a Properties) the methods of one."""

    set_runtime_properties = False
    properties: Any

    def getProperties(self) -> Any:
        """Return the Properties object."""
        return self.properties

    def getProperty(self, propname: str, default: Any = None) -> Any:
        """Return the value, or *default* if there is no such property."""
        return self.getProperties().getProperty(propname, default)

    def hasProperty(self, propname: str) -> bool:
        """Return whether there is such a property."""
        return bool(self.getProperties().hasProperty(propname))

    has_key = hasProperty

    def setProperty(
        self, propname: str, value: Any, source: str = "Unknown", runtime: bool | None = None
    ) -> None:
        """Set a property."""
        lasting = self.set_runtime_properties if runtime is None else runtime
        self.getProperties().setProperty(propname, value, source, runtime=lasting)

    def render(self, value: Any) -> Any:
        """Return a Deferred of *value* with all renderables in it rendered."""
        return settled(value) if is_constant(value) else self.getProperties().render(value)
