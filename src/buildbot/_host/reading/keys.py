"""The keys of ``BuildmasterConfig``: known ones, and what replaced old ones."""

from __future__ import annotations

from buildbot._border.arguments import did_you_mean
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
    "buildHorizon": "util.JanitorConfigurator removes old builds",
    "logHorizon": "util.JanitorConfigurator removes old logs",
    "eventHorizon": "events are no longer stored",
    "status": "use c['services'] with reporters.*, and c['www'] for the web",
}

_REPLACED = {
    "slaves": "use c['workers'] with worker.Worker(...)",
    "slavePortnum": "use c['protocols'] = {'pb': {'port': ...}}",
    "mergeRequests": "use c['collapseRequests']",
    "projectName": "use c['title']",
    "projectURL": "use c['titleURL']",
    "debugPassword": "use c['manhole']",
    "db_poll_interval": "remove it; the database is no longer polled",
    "nextSlave": "use c['select_next_worker']",
    "sources": "use c['change_source']",
}

_NOT_YET = {
    "changeHorizon": "changes are kept forever",
    "machines": "they are not started or stopped",
    "metrics": "none are collected",
    "user_managers": "there are no user accounts",
    "manhole": "the master opens no manhole",
}


def check_keys(section: Section) -> None:
    """Report unknown keys, with a suggestion where a known key is close."""
    for key in section.values:
        if key in KNOWN:
            continue
        if not isinstance(key, str):
            section.error(
                f"keys of BuildmasterConfig must be strings, not {key!r}", "BuildmasterConfig"
            )
        elif key in _IGNORED:
            section.warn(f"{section.shown(key)} was removed from Buildbot: {_IGNORED[key]}", key)
        elif key in _REPLACED:
            section.error(f"{section.shown(key)} was removed from Buildbot: {_REPLACED[key]}", key)
        else:
            section.error(f'unknown key "{key}"{did_you_mean(key, KNOWN)}', key)
    for key, what in _NOT_YET.items():
        if section.get(key):
            section.warn(f"{section.shown(key)} is not supported yet: {what}", key)
