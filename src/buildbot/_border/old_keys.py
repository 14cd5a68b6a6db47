"""Keys of ``BuildmasterConfig`` that Buildbot has removed, and what replaced them.

The warnings at reading and ``chargehand upgrade-config`` both go by these tables.
"""

from __future__ import annotations

RENAMED_KEYS = {
    "slaves": "workers",
    "slavePortnum": "protocols",
    "mergeRequests": "collapseRequests",
    "projectName": "title",
    "projectURL": "titleURL",
    "sources": "change_source",
}
"""Old keys that mean what a key of today means."""

REMOVED_KEYS = {
    "buildHorizon": "remove it; builds are kept, and util.JanitorConfigurator deletes their logs",
    "logHorizon": "use c['configurators'] = [util.JanitorConfigurator(logHorizon=timedelta(...))]",
    "eventHorizon": "events are no longer stored",
    "debugPassword": "use c['manhole']",
    "db_poll_interval": "remove it; the database is no longer polled",
    "status": "use c['services'] with reporters.*, and c['www'] for the web",
}
"""Old keys that do nothing, and what does it instead."""

MERGE_RULE = (
    "mergeRequests takes function(builder, request1, request2); write collapseRequests with "
    "function(master, builder, request1, request2), whose requests are dictionaries"
)
"""What to say of a function that decides about merging."""
