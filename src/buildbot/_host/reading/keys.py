"""The keys of ``BuildmasterConfig``: known ones, and what replaced old ones."""

from __future__ import annotations

from typing import Any

from buildbot._border.arguments import did_you_mean
from buildbot._border.old_keys import REMOVED_KEYS, RENAMED_KEYS
from buildbot._host.reading.section import Section
from buildbot.config.old_arguments import TODAYS_RULE, MergeRule

_KNOWN_WORDS = """
auditDays buildCacheSize buildbotNetUsageData buildbotURL builders caches changeCacheSize
changeHorizon change_source codebaseGenerator collapseRequests configurators db db_url
logCompressionLimit logCompressionMethod logEncoding logMaxSize logMaxTailSize machines manhole
metrics mq multiMaster prioritizeBuilders projects properties protocols revlink schedulers
secretsProviders select_next_worker services title titleURL trust user_managers validation workers
www
"""
_PORT = " = {'pb': {'port': ...}}"
KNOWN = frozenset(_KNOWN_WORDS.split())

_REPLACED = {
    "nextSlave": "use c['select_next_worker']",
}

_NOT_YET = {
    "metrics": "none are collected",
    "user_managers": "there are no user accounts",
    "manhole": "the master opens no manhole",
}


def rename_keys(section: Section) -> None:
    """Read old keys as those of today; where both are set, today's counts."""
    for old, new in RENAMED_KEYS.items():
        if old not in section:
            continue
        value = section.values.pop(old)
        written = f"{section.shown(new)}{_PORT if old == 'slavePortnum' else ''}"
        if old == "mergeRequests" and callable(value):
            value, written = MergeRule(value), TODAYS_RULE
        section.warn(f"{section.shown(old)} was removed from Buildbot: use {written}", old)
        section.read_as(old, new, _as_protocols(value) if old == "slavePortnum" else value)


def _as_protocols(port: Any) -> dict[str, Any]:
    return {} if port is None else {"pb": {"port": port}}


def check_keys(section: Section) -> None:
    """Report unknown keys, with a suggestion where a known key is close."""
    for key in section.values:
        if key in KNOWN:
            continue
        if not isinstance(key, str):
            section.error(
                f"keys of BuildmasterConfig must be strings, not {key!r}", "BuildmasterConfig"
            )
        elif key in REMOVED_KEYS:
            section.warn(
                f"{section.shown(key)} was removed from Buildbot: {REMOVED_KEYS[key]}", key
            )
        elif key in _REPLACED:
            section.error(f"{section.shown(key)} was removed from Buildbot: {_REPLACED[key]}", key)
        else:
            section.error(f'unknown key "{key}"{did_you_mean(key, KNOWN)}', key)
    for key, what in _NOT_YET.items():
        if section.get(key):
            section.warn(f"{section.shown(key)} is not supported yet: {what}", key)
