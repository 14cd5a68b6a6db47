"""Change sources that are accepted, with their documented arguments, and bring no changes yet."""

from __future__ import annotations

from buildbot.plugins.accepted_names import Accepted, names_of

_POLL = "pollInterval pollAtLaunch pollRandomDelayMin pollRandomDelayMax"
_MAIL = "maildir prefix category repository properties pollInterval"

CHANGES: dict[str, dict[str, Accepted]] = {
    "buildbot.changes.bitbucket": names_of(
        "changes",
        BitbucketPullrequestPoller="owner slug auth branch pollInterval useTimestamps category "
        "project pullrequest_filter encoding pollAtLaunch bitbucket_property_whitelist "
        "pollRandomDelayMin pollRandomDelayMax",
    ),
    "buildbot.changes.gerritchangesource": {
        **names_of("alias", GerritChangeFilter="buildbot.changes.gerrit_filter"),
        **names_of(
            "changes",
            GerritChangeSource="gerritserver username gerritport identity_file handled_events "
            "debug get_files gitBaseURL http_url http_auth http_poll_interval http_timeout "
            "ssh_server_alive_interval_s ssh_server_alive_count_max",
            GerritEventLogPoller="baseURL auth handled_events pollInterval pollAtLaunch gitBaseURL "
            "get_files debug firstFetchLookback pollRandomDelayMin pollRandomDelayMax",
        ),
    },
    "buildbot.changes.github": names_of(
        "changes",
        GitHubPullrequestPoller="owner repo branches category project baseURL repository_type "
        "pullrequest_filter token magic_link github_property_whitelist "
        f"{_POLL}",
    ),
    "buildbot.changes.hgpoller": names_of(
        "changes",
        HgPoller="repourl branch workdir pollInterval hgbin usetimestamps category project "
        "pollinterval encoding name pollAtLaunch pollRandomDelayMin pollRandomDelayMax revlink "
        "branches bookmarks",
    ),
    "buildbot.changes.mail": names_of(
        "changes",
        BzrLaunchpadEmailMaildirSource=f"{_MAIL} branchMap defaultBranch",
        CVSMaildirSource=_MAIL,
        MaildirSource=_MAIL,
        SVNCommitEmailMaildirSource=_MAIL,
    ),
    "buildbot.changes.p4poller": {
        **names_of(
            "changes",
            P4Source="p4port p4user p4passwd p4base p4bin split_file pollInterval histmax "
            "pollinterval encoding project name use_tickets ticket_login_interval server_tz "
            "pollAtLaunch revlink resolvewho pollRandomDelayMin pollRandomDelayMax",
        ),
        **names_of("function", get_simple_split=""),
        **names_of("error", P4PollerError=""),
    },
}
