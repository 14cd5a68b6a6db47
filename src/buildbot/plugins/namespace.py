"""The namespaces of ``buildbot.plugins``: names that are loaded when they are first used."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from buildbot._border.errors import warn
from buildbot.plugins.old_names import OLD_PLUGINS
from chargehand.kit.error_text import headline_of
from chargehand.kit.guard import Guard

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class UnknownName(AttributeError):
    """A namespace has no such name; the message says which is close."""


class Offer(msgspec.Struct, frozen=True):
    """A name that an installed plug-in offers in a namespace."""

    name: str
    point: EntryPoint

    @property
    def distribution(self) -> str:
        """The plug-in's name and version."""
        found = self.point.dist
        return "of unknown origin" if found is None else f'"{found.name}" {found.version}'


class BrokenPlugin(ImportError):
    """An installed plug-in cannot be loaded; the message names its distribution and the cause."""


class Namespace(ModuleType):
    """Our names first, then those that installed plug-ins offer as entry points.

    ``names`` has "module:attribute" by name; a dotted name makes a namespace within this one.
    """

    def __init__(self, path: str, group: str, names: Mapping[str, str]) -> None:
        super().__init__(path, f"What plug-ins and Chargehand itself offer as {path}.")
        self._group = group
        self._names = dict(names)
        self._seen: tuple[list[str], dict[str, list[Offer]]] | None = None
        """What plug-ins offered when the search path was like this."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._names and (offers := self._offered(name)):
            if clash := self._clash(name, offers):
                warn(clash)
            return _loaded(self._short, offers[0])  # Its module may be imported again.
        if (old := OLD_PLUGINS.get(self.__name__, {}).get(name)) is not None:
            made = importlib.import_module("buildbot.plugins.old_made")
            return made.make(self.__name__, name, old)
        found = self._load(name)
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return sorted({name.partition(".")[0] for name in self.names})

    def __contains__(self, name: object) -> bool:
        return name in self.names

    @property
    def names(self) -> list[str]:
        """All names there are."""
        return sorted({*self._names, *self.offers})

    @property
    def offers(self) -> dict[str, list[Offer]]:
        """What installed plug-ins offer, by name, in the order of the search path; where several
        have a name, the first one counts."""
        if self._seen is None or self._seen[0] != sys.path:
            found: dict[str, list[Offer]] = {}
            for offer in self._points():
                found.setdefault(offer.name, []).append(offer)
            self._seen = [*sys.path], found
        return self._seen[1]

    def _offered(self, name: str) -> list[Offer]:
        """Look again for what was not there: it may have been installed meanwhile."""
        if name not in self.offers:
            self._seen = None
        return self.offers.get(name, [])

    def clashes(self) -> Iterator[str]:
        """Yield a sentence for each name that several plug-ins offer, or that is ours as well."""
        for name, offers in self.offers.items():
            if sentence := self._clash(name, offers):
                yield sentence

    def _clash(self, name: str, offers: list[Offer]) -> str:
        first, *others = dict.fromkeys(offer.distribution for offer in offers)
        if name in self._names:
            return (
                f"{self._short}.{name} of plug-in {first} is not used: Chargehand has one of that "
                "name itself; import the plug-in's from its own module"
            )
        if others:
            return (
                f"plug-ins {' and '.join([first, *others])} both provide {self._short}.{name}; "
                f"that of {first} is used"
            )
        return ""

    @property
    def offered(self) -> list[str]:
        """The names that are ours."""
        return sorted(self._names)

    def get(self, name: str, default: Any = None) -> Any:
        """Return what the (dotted) name stands for, or *default*."""
        found: Any = self
        try:
            for part in name.split("."):
                found = getattr(found, part)
        except AttributeError:
            return default
        return found

    def _load(self, name: str) -> Any:
        target = self._names.get(name)
        if target is not None:
            module, _, attribute = target.partition(":")
            return getattr(importlib.import_module(module), attribute)
        inner = {
            key.partition(".")[2]: value
            for key, value in self._names.items()
            if key.startswith(f"{name}.")
        }
        if inner or any(key.startswith(f"{name}.") for key in self.offers):
            return Namespace(f"{self.__name__}.{name}", f"{self._group}.{name}", inner)
        raise UnknownName(self._unknown(name))

    def _points(self) -> Iterator[Offer]:
        # Imported for those who ask for names that are not ours.
        from importlib.metadata import entry_points

        group, _, prefix = self._group.removeprefix("buildbot.").partition(".")
        for point in entry_points(group=f"buildbot.{group}"):
            # Buildbot itself may be installed beside us; its own names are not a plug-in's.
            if point.dist is not None and point.dist.name == "buildbot":
                continue
            if not prefix or point.name.startswith(f"{prefix}."):
                yield Offer(point.name.removeprefix(f"{prefix}." if prefix else ""), point)

    @property
    def _short(self) -> str:
        return self.__name__.removeprefix("buildbot.plugins.")

    def _unknown(self, name: str) -> str:
        short = self._short
        close = difflib.get_close_matches(name, self.names, n=3)
        quoted = " or ".join(f'"{one}"' for one in close)
        hint = f"; did you mean {quoted}?" if close else ""
        return f'"{short}.{name}" does not exist, and no installed plug-in provides it{hint}'


def _loaded(namespace: str, offer: Offer) -> Any:
    """Return what a plug-in offers. Raises BrokenPlugin."""
    failures: list[Exception] = []
    with Guard(failures.append):
        return offer.point.load()
    (failure,) = failures
    raise BrokenPlugin(
        f"plug-in {offer.distribution} cannot be loaded: {namespace}.{offer.name} stands for "
        f'"{offer.point.value}", which fails with {headline_of(failure)}'
    ) from failure
