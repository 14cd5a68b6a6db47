"""Names that are accepted, with the arguments that Buildbot's manual documents, and do nothing yet.

Supporting one means writing the module it belongs to, and deleting its line here.
"""

from __future__ import annotations

from buildbot.plugins.accepted_changes import CHANGES
from buildbot.plugins.accepted_names import names_of as _of
from buildbot.plugins.accepted_steps import STEPS

_STATUS = "startDescription endDescription"
_REPORTERS = {
    "buildbot.reporters.bitbucket": _of(
        "reporter",
        BitbucketStatusPush="oauth_key oauth_secret auth base_url oauth_url status_key status_name",
    ),
    "buildbot.reporters.bitbucketserver": _of(
        "reporter",
        BitbucketServerStatusPush=f"base_url user password key statusName {_STATUS} statusSuffix",
        BitbucketServerCoreAPIStatusPush=f"base_url token auth statusName statusSuffix {_STATUS} "
        "key parentName buildNumber ref duration testResults",
        BitbucketServerPRCommentPush="base_url user password messageFormatter",
    ),
    "buildbot.reporters.gerrit": _of(
        "reporter",
        GerritStatusPush="server username reviewCB startCB port reviewArg startArg summaryCB "
        "summaryArg identity_file builders notify wantSteps wantLogs",
    )
    | _of("function", makeReviewResult="*", defaultReviewCB="*", defaultSummaryCB="*"),
    "buildbot.reporters.gerrit_verify_status": _of(
        "reporter",
        GerritVerifyStatusPush="baseURL auth verification_name abstain category reporter "
        f"{_STATUS}",
    ),
    "buildbot.reporters.irc": _of(
        "reporter",
        IRC="host nick channels pm_to_nicks port allowForce tags password notify_events "
        "showBlameList useRevisions useSSL useSASL lostDelay failedDelay useColors "
        "noticeOnChannel authz",
    ),
    "buildbot.reporters.pushjet": _of("reporter", PushjetNotifier="secret levels base_url"),
    "buildbot.reporters.pushover": _of(
        "reporter", PushoverNotifier="user_key api_token priorities otherParams"
    ),
    "buildbot.reporters.telegram": _of(
        "reporter",
        TelegramBot="bot_token chat_ids authz bot_username tags notify_events showBlameList "
        "useRevisions certificate useWebhook pollTimeout retryDelay",
    )
    | _of("base", TelegramStatusBot="*", TelegramContact="*"),
    "buildbot.reporters.words": _of("base", StatusBot="*", Contact="*", Channel="*"),
    "buildbot.reporters.zulip": _of("reporter", ZulipStatusPush="endpoint token stream"),
}

_VALUES = {
    "buildbot.db.buildrequests": _of("base", BuildRequestsConnectorComponent="*")
    | _of("error", AlreadyClaimedError="", NotClaimedError=""),
    "buildbot.data.base": _of("base", Endpoint="*", EndpointKind="*", ResourceType="*"),
    "buildbot.data.types": _of("base", Entity="*", Type="*"),
    "buildbot.db.dbconfig": _of("value", DbConfig="BuildmasterConfig basedir name"),
    "buildbot.manhole": _of(
        "value",
        TelnetManhole="port username password",
        PasswordManhole="port username password ssh_hostkey_dir",
        AuthorizedKeysManhole="port keyfile ssh_hostkey_dir",
    ),
    "buildbot.master": _of("base", BuildMaster="*"),
    "buildbot.process.botmaster": _of("base", BotMaster="*"),
    "buildbot.process.buildrequestdistributor": _of(
        "base", BasicBuildChooser="*", BuildChooserBase="*", BuildRequestDistributor="*"
    ),
    "buildbot.process.codebase": _of("value", Codebase="project name slug"),
    "buildbot.process.users.manual": _of("value", CommandlineUserManager="username passwd port"),
    "buildbot.util.pullrequest": _of("base", PullRequestMixin="*"),
    "buildbot.util.runprocess": _of("function", run_process="*", create_process="*"),
    "buildbot.www.hooks.base": _of("base", BaseHookHandler="*"),
    "buildbot.www.hooks.bitbucket": _of("base", BitBucketHandler="*"),
    "buildbot.www.hooks.github": _of("base", GitHubEventHandler="*"),
    "buildbot.www.hooks.gitlab": _of("base", GitLabHandler="*"),
    "buildbot.www.plugin": _of("alias", Application="buildbot._border.web_application"),
    "buildbot.www.resource": _of("base", Resource="*", ConsoleResource="*")
    | _of("error", Redirect="url"),
}

MODULES = {
    **CHANGES,
    **STEPS,
    **_REPORTERS,
    **_VALUES,
}
"""The accepted names, by the module that they are imported from."""
