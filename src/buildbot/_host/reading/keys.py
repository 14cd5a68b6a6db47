"""The keys of ``BuildmasterConfig``: which there are, and what became of old ones."""

from __future__ import annotations

import difflib

from buildbot._host.reading.section import Section

_KNOWN_WORDS = """
buildCacheSize buildbotNetUsageData buildbotURL builders caches changeCacheSize changeHorizon
change_source codebaseGenerator collapseRequests configurators db db_url logCompressionLimit
logCompressionMethod logEncoding logMaxSize logMaxTailSize machines manhole metrics mq
multiMaster prioritizeBuilders projects properties protocols revlink schedulers
secretsProviders select_next_worker services title titleURL user_managers validation workers www
"""
KNOWN = frozenset(_KNOWN_WORDS.split())

_IGNORED = {
    "buildHorizon": "old builds are removed by util.JanitorConfigurator",
    "logHorizon": "old logs are removed by util.JanitorConfigurator",
    "eventHorizon": "there are no events to remove any more",
    "status": "use c['services'] with reporters.*, and c['www'] for the web",
}

_REPLACED = {
    "slaves": "use c['workers'] with worker.Worker(...)",
    "slavePortnum": "use c['protocols'] = {'pb': {'port': ...}}",
    "mergeRequests": "use c['collapseRequests']",
    "projectName": "use c['title']",
    "projectURL": "use c['titleURL']",
    "debugPassword": "use c['manhole']",
    "db_poll_interval": "the database is not polled any more; remove it",
    "nextSlave": "use c['select_next_worker']",
    "change_sources": "the key is c['change_source']",
    "sources": "the key is c['change_source']",
}

_NOT_YET = {
    "changeHorizon": "changes are kept for ever",
    "machines": "they are neither woken nor put to sleep",
    "metrics": "there are none to see",
    "user_managers": "users cannot be managed by commands",
    "manhole": "there is no manhole to connect to",
}


def check_keys(section: Section) -> None:
    """Complain about keys that there are not, each with a suggestion where one can be made."""
    for key in section.values:
        if key in KNOWN:
            continue
        if not isinstance(key, str):
            section.error(
                f"keys of BuildmasterConfig are strings, not {key!r}", "BuildmasterConfig"
            )
        elif key in _IGNORED:
            section.warn(f"{section.shown(key)} was removed from Buildbot: {_IGNORED[key]}", key)
        elif key in _REPLACED:
            section.error(f"{section.shown(key)} was removed from Buildbot: {_REPLACED[key]}", key)
        else:
            section.error(f"Unknown BuildmasterConfig key {key!r}{_suggestion(key)}", key)
    for key, what in _NOT_YET.items():
        if section.get(key):
            section.warn(f"{section.shown(key)} is not supported yet: {what}", key)


def suggestion(word: str, known: frozenset[str]) -> str:
    """Return a question to append to a complaint about an unknown word; it may be empty."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _suggestion(key: str) -> str:
    by_case = {known.lower(): known for known in KNOWN}
    if key.lower() in by_case:
        return f"; did you mean {by_case[key.lower()]!r}?"
    return suggestion(key, KNOWN)
