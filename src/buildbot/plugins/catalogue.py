"""Where the names of ``buildbot.plugins`` come from: "module:attribute" by name."""

from __future__ import annotations

from buildbot.plugins.accepted import MODULES


def _of(module: str, *names: str) -> dict[str, str]:
    return {name: f"{module}:{name}" for name in names}


def _accepted(prefix: str, *kinds: str) -> dict[str, str]:
    return {
        name: f"{module}:{name}"
        for module, names in MODULES.items()
        if module.startswith(prefix)
        for name, accepted in names.items()
        if accepted.kind in kinds
    }


_HTTP_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT")

STEPS = {
    **_accepted("buildbot.steps.", "step", "shell", "source"),
    **_of("buildbot.process.buildstep", "BuildStep", "ShellMixin", "CommandMixin"),
    **_of(
        "buildbot.steps.shell",
        "Compile",
        "Configure",
        "PerlModuleTest",
        "SetPropertyFromCommand",
        "ShellCommand",
        "Test",
        "TreeSize",
        "WarningCountingShellCommand",
    ),
    **{
        f"{name}NewStyle": f"buildbot.steps.shell:{name}"
        for name in ("Compile", "Configure", "ShellCommand", "Test", "WarningCountingShellCommand")
    },
    **_of("buildbot.steps.shellsequence", "ShellSequence"),
    **_of("buildbot.steps.cmake", "CMake"),
    **_of("buildbot.steps.python", "BuildEPYDoc", "PyFlakes", "PyLint", "Sphinx"),
    **_of("buildbot.steps.python_twisted", "HLint", "RemovePYCs", "Trial"),
    **_of("buildbot.steps.subunit", "SubunitShellCommand"),
    **_of("buildbot.steps.cppcheck", "Cppcheck"),
    **_of(
        "buildbot.steps.download_secret_to_worker",
        "DownloadSecretsToWorker",
        "RemoveWorkerFileSecret",
    ),
    **_of("buildbot.steps.http", "HTTPStep", *_HTTP_METHODS),
    **{f"{name}NewStyle": f"buildbot.steps.http:{name}" for name in ("HTTPStep", *_HTTP_METHODS)},
    **_of(
        "buildbot.steps.master",
        "Assert",
        "LogRenderable",
        "MasterShellCommand",
        "SetProperties",
        "SetProperty",
    ),
    **_of(
        "buildbot.steps.worker",
        "CompositeStepMixin",
        "CopyDirectory",
        "FileExists",
        "MakeDirectory",
        "RemoveDirectory",
        "SetPropertiesFromEnv",
    ),
    **_of(
        "buildbot.steps.transfer",
        "DirectoryUpload",
        "FileDownload",
        "FileUpload",
        "JSONPropertiesDownload",
        "JSONStringDownload",
        "MultipleFileUpload",
        "StringDownload",
    ),
    **_of("buildbot.steps.trigger", "Trigger"),
    **_of("buildbot.steps.source.base", "Source"),
    **_of("buildbot.steps.source.gerrit", "Gerrit"),
    **_of("buildbot.steps.source.git", "Git", "GitCommit", "GitPush", "GitTag"),
    **_of("buildbot.steps.source.svn", "SVN"),
    **_of("buildbot.steps.source.github", "GitHub"),
    **_of("buildbot.steps.source.gitlab", "GitLab"),
}

SCHEDULERS = {
    **_of("buildbot.schedulers.base", "BaseScheduler"),
    **_of("buildbot.schedulers.basic", "AnyBranchScheduler", "SingleBranchScheduler"),
    **_of("buildbot.schedulers.dependent", "Dependent"),
    **_of(
        "buildbot.schedulers.forcesched",
        "BaseParameter",
        "ForceScheduler",
        "ValidationError",
        "ValidationErrorCollector",
    ),
    **_of("buildbot.schedulers.timed", "Nightly", "NightlyTriggerable", "Periodic"),
    **_of("buildbot.schedulers.triggerable", "Triggerable"),
    **_of("buildbot.schedulers.trysched", "Try_Jobdir", "Try_Userpass"),
}

CHANGES = {
    **_accepted("buildbot.changes.", "changes"),
    **_of(
        "buildbot.changes.base",
        "ChangeSource",
        "PollingChangeSource",
        "ReconfigurablePollingChangeSource",
    ),
    **_of("buildbot.changes.changes", "Change"),
    **_of("buildbot.changes.gitpoller", "GitPoller"),
    **_of("buildbot.changes.pb", "PBChangeSource"),
    **_of("buildbot.changes.svnpoller", "SVNPoller"),
}

WORKER = {
    **_of("buildbot.worker.base", "AbstractWorker", "Worker"),
    **_of("buildbot.worker.docker", "DockerLatentWorker"),
    **_of("buildbot.worker.ec2", "EC2LatentWorker"),
    **_of("buildbot.worker.kubernetes", "KubeLatentWorker"),
    **_of("buildbot.worker.latent", "AbstractLatentWorker"),
    **_of("buildbot.worker.libvirt", "LibVirtWorker"),
    **_of("buildbot.worker.local", "LocalLatentWorker", "LocalWorker"),
    **_of("buildbot.worker.marathon", "MarathonLatentWorker"),
    **_of("buildbot.worker.openstack", "OpenStackLatentWorker"),
    **_of("buildbot.worker.upcloud", "UpcloudLatentWorker"),
}

REPORTERS = {
    **_accepted("buildbot.reporters.", "reporter"),
    **_of("buildbot.reporters.base", "ReporterBase"),
    **_of(
        "buildbot.reporters.generators.build",
        "BuildStartEndStatusGenerator",
        "BuildStatusGenerator",
    ),
    **_of("buildbot.reporters.generators.buildrequest", "BuildRequestGenerator"),
    **_of(
        "buildbot.reporters.generators.buildset",
        "BuildSetCombinedStatusGenerator",
        "BuildSetStatusGenerator",
    ),
    **_of("buildbot.reporters.generators.utils", "BuildStatusGeneratorMixin"),
    **_of("buildbot.reporters.github", "GitHubCommentPush", "GitHubStatusPush"),
    **_of("buildbot.reporters.gitlab", "GitLabStatusPush"),
    **_of("buildbot.reporters.http", "HttpStatusPush", "HttpStatusPushBase"),
    **_of("buildbot.reporters.mail", "MailNotifier"),
    **_of("buildbot.reporters.generators.worker", "WorkerMissingGenerator"),
    **_of(
        "buildbot.reporters.message",
        "MessageFormatter",
        "MessageFormatterBase",
        "MessageFormatterEmpty",
        "MessageFormatterFunction",
        "MessageFormatterFunctionRaw",
        "MessageFormatterMissingWorker",
        "MessageFormatterRenderable",
    ),
}

SECRETS = {
    **_of("buildbot.secrets.providers.base", "SecretProviderBase"),
    **_of("buildbot.secrets.providers.environment", "SecretInEnvironment"),
    **_of("buildbot.secrets.providers.file", "SecretInAFile"),
    **_of("buildbot.secrets.providers.passwordstore", "SecretInPass"),
    **_of("buildbot.secrets.providers.vault", "HashiCorpVaultSecretProvider"),
    **_of(
        "buildbot.secrets.providers.vault_hvac",
        "HashiCorpVaultKvSecretProvider",
        "VaultAuthenticatorApprole",
        "VaultAuthenticatorToken",
    ),
}

UTIL = {
    **_of("buildbot.config.builder", "BuilderConfig"),
    **_of("buildbot.locks", "MasterLock", "WorkerLock"),
    **_of("buildbot.process.build_factory", "BuildFactory"),
    **_of(
        "buildbot.steps.factories",
        "BasicBuildFactory",
        "BasicSVN",
        "CPAN",
        "Distutils",
        "GNUAutoconf",
        "QuickBuildFactory",
        "Trial",
    ),
    **_of("buildbot.process.builder", "enforceChosenWorker"),
    **_of("buildbot.process.codebase", "Codebase"),
    **_of("buildbot.process.logobserver", "LogLineObserver"),
    **_of("buildbot.process.project", "Project"),
    # Not among Buildbot's own, but in the examples of its manual.
    **_of("buildbot.process.remotecommand", "RemoteCommand"),
    **_of(
        "buildbot.process.properties",
        "FlattenList",
        "Interpolate",
        "Property",
        "BuildToken",
        "Secret",
        "Transform",
        "URLForBuild",
        "WithProperties",
        "renderer",
    ),
    **_of(
        "buildbot.process.results",
        "CANCELLED",
        "EXCEPTION",
        "FAILURE",
        "RETRY",
        "Results",
        "SKIPPED",
        "SUCCESS",
        "WARNINGS",
    ),
    **_of("buildbot.process.users.manual", "CommandlineUserManager"),
    **_of("buildbot.changes.filter", "ChangeFilter"),
    **_of("buildbot.changes.gerritchangesource", "GerritChangeFilter"),
    **_of("buildbot.configurators.janitor", "JanitorConfigurator"),
    **_of("buildbot.db.dbconfig", "DbConfig"),
    **_of("buildbot.manhole", "AuthorizedKeysManhole", "PasswordManhole", "TelnetManhole"),
    **_of("buildbot.revlinks", "RevlinkMatch"),
    **_of("buildbot.schedulers.canceller", "OldBuildCanceller"),
    **_of("buildbot.schedulers.canceller_buildset", "FailingBuildsetCanceller"),
    **_of(
        "buildbot.schedulers.forcesched",
        "AnyPropertyParameter",
        "BooleanParameter",
        "ChoiceStringParameter",
        "CodebaseParameter",
        "FileParameter",
        "FixedParameter",
        "InheritBuildParameter",
        "IntParameter",
        "NestedParameter",
        "ParameterGroup",
        "PatchParameter",
        "StringParameter",
        "TextParameter",
        "UserNameParameter",
        "WorkerChoiceParameter",
    ),
    **_of("buildbot.steps.shellsequence", "ShellArg"),
    "repo.DownloadsFromChangeSource": ("buildbot.steps.source.repo:RepoDownloadsFromChangeSource"),
    "repo.DownloadsFromProperties": "buildbot.steps.source.repo:RepoDownloadsFromProperties",
    "svn.split_file_alwaystrunk": "buildbot.changes.svnpoller:split_file_alwaystrunk",
    "svn.split_file_branches": "buildbot.changes.svnpoller:split_file_branches",
    "svn.split_file_projects_branches": ("buildbot.changes.svnpoller:split_file_projects_branches"),
    **_of("buildbot.util.connection_pools", "EqConnectionPool"),
    **_of("buildbot.util.git_credential", "GitCredentialInputRenderer", "GitCredentialOptions"),
    **_of(
        "buildbot.util.kubeclientservice",
        "KubeCtlProxyConfigLoader",
        "KubeHardcodedConfig",
        "KubeInClusterConfigLoader",
    ),
    **_of("buildbot.util.ssfilter", "SourceStampFilter"),
    **_of("buildbot.worker.libvirt", "Connection"),
    **_of(
        "buildbot.www.auth",
        "CustomAuth",
        "HTPasswdAprAuth",
        "HTPasswdAuth",
        "RemoteUserAuth",
        "UserPasswordAuth",
    ),
    **_of("buildbot.www.authz", "Authz", "fnmatchStrMatcher", "reStrMatcher"),
    **_of(
        "buildbot.www.authz.endpointmatchers",
        "AnyControlEndpointMatcher",
        "AnyEndpointMatcher",
        "BranchEndpointMatcher",
        "EnableSchedulerEndpointMatcher",
        "EndpointMatcherBase",
        "ForceBuildEndpointMatcher",
        "Match",
        "RebuildBuildEndpointMatcher",
        "StopBuildEndpointMatcher",
        "ViewBuildsEndpointMatcher",
    ),
    **_of(
        "buildbot.www.authz.roles",
        "RolesFromBase",
        "RolesFromDomain",
        "RolesFromEmails",
        "RolesFromGroups",
        "RolesFromOwner",
        "RolesFromUsername",
    ),
    **_of("buildbot.www.avatar", "AvatarGitHub", "AvatarGitLab", "AvatarGravatar"),
    **_of("buildbot.www.ldapuserinfo", "LdapUserInfo"),
    **_of(
        "buildbot.www.oauth2",
        "AzureAuth",
        "BitbucketAuth",
        "GitHubAuth",
        "GitLabAuth",
        "GoogleAuth",
        "KeyCloakAuth",
        "OpenIDConnectAuth",
    ),
}

WEBHOOKS = {
    "base": "buildbot.www.hooks.base:BaseHookHandler",
    "bitbucket": "buildbot.www.hooks.bitbucket:BitBucketHandler",
    "github": "buildbot.www.hooks.github:GitHubEventHandler",
    "gitlab": "buildbot.www.hooks.gitlab:GitLabHandler",
}
