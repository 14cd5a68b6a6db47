"""Reading ``c['trust']``: how far changes are trusted, and what their builds may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from buildbot._border.arguments import did_you_mean
from buildbot._host.reading.section import Section
from buildbot.schedulers.wiring import change_filter_of
from chargehand.config.trust import Patterns, TrustConfig, TrustRule
from chargehand.domain.change import Change
from chargehand.domain.trust import TrustLevel, UnknownLevel, level_from

_KEYS = ("changes", "schedulers", "secrets", "workers")


def read_trust(section: Section) -> TrustConfig:
    """Return ``c['trust']``; without it every change is trusted that its sender does not call
    anything else."""
    part = section.part("trust")
    if part is None:
        return TrustConfig()
    for key in part.values:
        if key not in _KEYS:
            part.error(
                f"unknown key \"{key}\" in c['trust']{did_you_mean(str(key), _KEYS)}", str(key)
            )
    return TrustConfig(
        is_configured=True,
        rules=tuple(_rules(part)),
        schedulers=tuple(_schedulers(part)),
        workers=_allowed(part, "workers"),
        secrets=_allowed(part, "secrets"),
    )


def _rules(part: Section) -> Iterator[TrustRule]:
    for entry in part.listing("changes", "pairs: (util.ChangeFilter(...), 'untrusted')"):
        if not isinstance(entry, tuple | list) or len(entry) != 2:
            part.wrong("changes", "a list of pairs: (util.ChangeFilter(...), 'untrusted')")
            return
        given, named = entry
        if not callable(getattr(given, "filter_change", None)):
            part.error(
                f"{part.shown('changes')}: a rule starts with a util.ChangeFilter, not {given!r}",
                "changes",
            )
            continue
        if (level := _level(part, "changes", named)) is not None:
            yield TrustRule(level=level, matches=_matching(given), words=repr(given))


def _matching(given: Any) -> Callable[[Change], bool]:
    wanted = change_filter_of(given)

    def matches(change: Change) -> bool:
        return wanted is None or bool(wanted(change))

    return matches


def _schedulers(part: Section) -> Iterator[tuple[str, TrustLevel]]:
    for name, named in _mapping(part, "schedulers", "names of schedulers with levels").items():
        if not isinstance(name, str):
            part.error(f"{part.shown('schedulers')}: {name!r} is not a name", "schedulers")
        elif (level := _level(part, "schedulers", named)) is not None:
            yield name, level


def _allowed(part: Section, key: str) -> dict[TrustLevel, Patterns]:
    found: dict[TrustLevel, Patterns] = {}
    for named, names in _mapping(part, key, f"levels with lists of {key}").items():
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
            part.error(
                f"{part.shown(key)}[{named!r}] must be a list of names of {key}, not {names!r}", key
            )
        elif (level := _level(part, key, named)) is not None:
            found[level] = tuple(names)
    return found


def _mapping(part: Section, key: str, wanted: str) -> Mapping[Any, Any]:
    given = part.get(key)
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        part.wrong(key, f"a dictionary: {wanted}")
        return {}
    return given


def _level(part: Section, key: str, named: Any) -> TrustLevel | None:
    try:
        return level_from(named)
    except UnknownLevel as error:
        levels = [level.value for level in TrustLevel]
        part.error(f"{part.shown(key)}: {error}{did_you_mean(str(named), levels)}", key)
        return None
