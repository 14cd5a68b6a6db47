"""Reading ``c['trust']``: how far changes are trusted, and what their builds may use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from buildbot._border.arguments import did_you_mean
from buildbot._host.reading.section import Section
from buildbot.schedulers.wiring import change_filter_of
from chargehand.config.trust import RULES, SCHEDULERS, Patterns, TrustConfig, TrustRule
from chargehand.domain.change import Change
from chargehand.domain.trust import TrustLevel, UnknownLevel, level_from

_KEYS = ("changes", "schedulers", "secrets", "workers")


def read_trust(section: Section) -> TrustConfig:
    """Return ``c['trust']``; without it every change is trusted that its sender does not call
    anything else."""
    part = section.part("trust")
    return TrustConfig() if part is None else _Reading(section, part.values).read()


class _Reading:
    """Reads the parts. Mistakes belong to the line of ``c['trust']``: keys of ``c`` have the names
    of some of its parts."""

    def __init__(self, section: Section, values: Mapping[Any, Any]) -> None:
        self._section = section
        self._values = values

    def read(self) -> TrustConfig:
        """Return all of it; what is wrong is left out, and reported."""
        for key in self._values:
            if key not in _KEYS:
                self._error(f"unknown key \"{key}\" in c['trust']{did_you_mean(str(key), _KEYS)}")
        return TrustConfig(
            is_configured=True,
            rules=tuple(self._rules()),
            schedulers=tuple(self._schedulers()),
            workers=self._allowed("workers"),
            secrets=self._allowed("secrets"),
        )

    def _error(self, message: str) -> None:
        self._section.error(message, "trust")

    def _rules(self) -> Iterator[TrustRule]:
        given = self._values.get("changes", ())
        is_list = isinstance(given, list | tuple)
        if not is_list or not all(isinstance(e, list | tuple) and len(e) == 2 for e in given):
            pairs = "a list of pairs: (util.ChangeFilter(...), 'untrusted')"
            self._error(f"{RULES} must be {pairs}, not {given!r}")
            return
        for wanted, named in given:
            if not callable(getattr(wanted, "filter_change", None)):
                self._error(f"{RULES}: a rule starts with a util.ChangeFilter, not {wanted!r}")
            elif (level := self._level(RULES, named)) is not None:
                yield TrustRule(level=level, matches=_matching(wanted), words=repr(wanted))

    def _schedulers(self) -> Iterator[tuple[str, TrustLevel]]:
        for name, named in self._mapping("schedulers", "names of schedulers with levels"):
            if not isinstance(name, str):
                self._error(f"{SCHEDULERS}: {name!r} is not a name")
            elif (level := self._level(SCHEDULERS, named)) is not None:
                yield name, level

    def _allowed(self, key: str) -> dict[TrustLevel, Patterns]:
        place = f"c['trust']['{key}']"
        found: dict[TrustLevel, Patterns] = {}
        for named, names in self._mapping(key, f"levels with lists of {key}"):
            if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
                self._error(f"{place}[{named!r}] must be a list of names of {key}, not {names!r}")
            elif (level := self._level(place, named)) is not None:
                found[level] = tuple(names)
        return found

    def _mapping(self, key: str, wanted: str) -> Iterable[tuple[Any, Any]]:
        given = self._values.get(key, {})
        if not isinstance(given, Mapping):
            self._error(f"c['trust']['{key}'] must be a dictionary ({wanted}), not {given!r}")
            return ()
        return given.items()

    def _level(self, place: str, named: Any) -> TrustLevel | None:
        try:
            return level_from(named)
        except UnknownLevel as error:
            levels = [level.value for level in TrustLevel]
            self._error(f"{place}: {error}{did_you_mean(str(named), levels)}")
            return None


def _matching(given: Any) -> Callable[[Change], bool]:
    wanted = change_filter_of(given)

    def matches(change: Change) -> bool:
        return wanted is None or bool(wanted(change))

    return matches
