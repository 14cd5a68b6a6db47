"""Names of earlier versions of Buildbot that are still in use, with what stands for each today.

The import of one is accepted, with a warning at its line; what it means is done where a name of
today means the same. The glossary's table of old names is held to this one.
"""

from __future__ import annotations

from typing import NamedTuple


class OldName(NamedTuple):
    """What stands for an old name: ``module:attribute``, empty where nothing does the same."""

    new: str
    advice: str
    is_moved: bool = True
    """Whether the new one is what the author writes today; else the old one only works on."""


def _moved(module: str, *names: str, **renamed: str) -> dict[str, OldName]:
    """Return names that are in *module* now; the renamed ones with what they are called there."""
    targets = {**dict(zip(names, names, strict=True)), **renamed}
    return {old: OldName(f"{module}:{new}", f"use {module}.{new}") for old, new in targets.items()}


def _gone(advice: str, names: str) -> dict[str, OldName]:
    """Return the names that have no replacement."""
    return dict.fromkeys(names.split(), OldName("", advice))


_WEB = "it does nothing; the web server is configured by c['www']"
_WEB_RIGHTS = "it does nothing; rights are configured by c['www']['auth'] and c['www']['authz']"
_RECEIVER = "it does nothing; use reporters.* in c['services']"
_TYPES = "it does nothing; read builds and logs through master.data"

_RESULTS = _moved(
    "buildbot.process.results",
    *("SUCCESS", "WARNINGS", "FAILURE", "SKIPPED", "EXCEPTION", "RETRY", "CANCELLED"),
    *("Results", "worst_status"),
)
_WORKER = _moved("buildbot.worker", BuildSlave="Worker", AbstractBuildSlave="AbstractWorker")
_LATENT = _moved("buildbot.worker", AbstractLatentBuildSlave="AbstractLatentWorker")
_WEB_PAGES = _gone(_WEB, "HtmlResource StatusResourceBuilder BuildersResource ActionResource")
_HOOKS = "buildbot.www.hooks"

_EC2 = _moved("buildbot.worker.ec2", EC2LatentBuildSlave="EC2LatentWorker")
_LIBVIRT = _moved("buildbot.worker.libvirt", "Connection", LibVirtSlave="LibVirtWorker")
_AGENT = _gone(
    "it does nothing; this is a file of a worker, not of a master: use chargehand create-worker",
    "BuildSlave",
)

_SLAVES = {
    "buildbot.buildslave": _WORKER | _LATENT,
    "buildbot.ec2buildslave": _EC2,
    "buildbot.libvirtbuildslave": _LIBVIRT,
    "buildbot.slave.bot": _AGENT,
    "buildbot.buildslave.base": _WORKER | _LATENT,
    "buildbot.buildslave.latent": _LATENT,
    "buildbot.buildslave.docker": _moved(
        "buildbot.worker.docker", DockerLatentBuildSlave="DockerLatentWorker"
    ),
    "buildbot.buildslave.ec2": _EC2,
    "buildbot.buildslave.libvirt": _LIBVIRT,
    "buildbot.buildslave.openstack": _moved(
        "buildbot.worker.openstack", OpenStackLatentBuildSlave="OpenStackLatentWorker"
    ),
    "buildbot.test_slaves": _moved("buildbot.test.latent", FakeLatentBuildSlave="FakeLatentWorker"),
    "buildbot.locks": _moved("buildbot.locks", SlaveLock="WorkerLock"),
    "buildbot.interfaces": _moved(
        "buildbot.interfaces",
        IBuildSlave="IWorker",
        ILatentBuildSlave="ILatentWorker",
        BuildSlaveToOldError="WorkerSetupError",
        BuildSlaveTooOldError="WorkerSetupError",
        WorkerTooOldError="WorkerSetupError",
        LatentBuildSlaveFailedToSubstantiate="LatentWorkerFailedToSubstantiate",
    )
    | _gone(
        f"{_TYPES} and master.mq",
        "IStatus IBuildStatus IBuilderStatus IBuildSetStatus IBuildRequestStatus "
        "IBuildStepStatus ISlaveStatus IStatusEvent IStatusLog IStatusLogConsumer "
        "ITestResult IBuilderControl IBuildControl IControl ILogFile NoSlaveError",
    ),
    "buildbot.process.builder": _moved(
        "buildbot.process.builder", enforceChosenSlave="enforceChosenWorker"
    ),
    "buildbot.process.slavebuilder": _moved(
        "buildbot.process.workerforbuilder",
        AbstractSlaveBuilder="WorkerForBuilder",
        LatentSlaveBuilder="WorkerForBuilder",
        SlaveBuilder="WorkerForBuilder",
    ),
    "buildbot.steps.slave": _moved(
        "buildbot.steps.worker",
        *("CompositeStepMixin", "CopyDirectory", "FileExists", "MakeDirectory"),
        *("RemoveDirectory", "SetPropertiesFromEnv"),
        SlaveBuildStep="WorkerBuildStep",
    ),
}

_SCHEDULERS = {
    "buildbot.scheduler": {
        **_moved(
            "buildbot.schedulers.basic", "AnyBranchScheduler", Scheduler="SingleBranchScheduler"
        ),
        **_moved("buildbot.schedulers.dependent", "Dependent"),
        **_moved("buildbot.schedulers.timed", "Nightly", "Periodic"),
        **_moved("buildbot.schedulers.triggerable", "Triggerable"),
        **_moved("buildbot.schedulers.trysched", "Try_Jobdir", "Try_Userpass"),
    },
    "buildbot.schedulers.filter": _moved("buildbot.changes.filter", "ChangeFilter"),
    "buildbot.schedulers.forcesched": _moved(
        "buildbot.schedulers.forcesched", BuildslaveChoiceParameter="WorkerChoiceParameter"
    ),
}

_STEPS = {
    "buildbot.process.factory": {
        "s": OldName(
            "buildbot.process.build_factory:made",
            "write Step(arguments) for s(Step, arguments)",
            False,
        ),
    },
    "buildbot.process.base": _moved("buildbot.process.build", "Build"),
    "buildbot.process.buildstep": {
        **_moved(
            "buildbot.process.logobserver",
            *("LogObserver", "LogLineObserver", "OutputProgressObserver", "BufferLogObserver"),
        ),
        "LoggingBuildStep": OldName(
            "buildbot.process.logging_step:LoggingBuildStep",
            "use steps.BuildStep with buildbot.process.buildstep.ShellMixin",
            is_moved=False,
        ),
    },
    "buildbot.sourcestamp": _gone(
        "it does nothing; a source stamp is a dictionary of branch, revision, repository, project "
        "and codebase",
        "SourceStamp",
    ),
    "buildbot.steps.shell": {
        **_moved("buildbot.steps.shell", SetProperty="SetPropertyFromCommand"),
        **_moved("buildbot.process.properties", "WithProperties"),
    },
    "buildbot.steps.source": {
        **_moved("buildbot.steps.source.bzr", "Bzr"),
        **_moved("buildbot.steps.source.cvs", "CVS"),
        **_moved("buildbot.steps.source.darcs", "Darcs"),
        **_moved("buildbot.steps.source.mercurial", "Mercurial"),
        **_moved("buildbot.steps.source.p4", "P4"),
        **_moved("buildbot.steps.source.svn", "SVN"),
    },
}

_STATUS = {
    "buildbot.status.base": {
        name: OldName(
            f"buildbot.reporters.status_receiver:{name}",
            "it is notified of builds as before; write a subclass of reporters.ReporterBase for "
            "c['services'], or a BuildbotService that uses master.mq",
            is_moved=False,
        )
        for name in ("StatusReceiver", "StatusReceiverMultiService")
    },
    "buildbot.status.builder": _RESULTS | _gone(_TYPES, "BuilderStatus BuildStatus"),
    "buildbot.status.client": _gone(_RECEIVER, "PBListener"),
    "buildbot.status.github": _gone(
        "it does nothing; use reporters.GitHubStatusPush in c['services']", "GitHubStatus"
    ),
    "buildbot.status.html": _gone(_WEB, "WebStatus"),
    "buildbot.status.logfile": {
        name: OldName(
            f"buildbot.process.old_logs:{name}",
            "use logobserver.LogLineObserver, or step.getLog(name)",
            is_moved=False,
        )
        for name in ("STDOUT", "STDERR", "HEADER")
    },
    "buildbot.status.mail": {
        name: OldName(
            f"buildbot.reporters.mail:{name}",
            "use reporters.MailNotifier with generators=[...] in c['services']",
        )
        for name in ("MailNotifier", "Domain")
    },
    "buildbot.status.results": _RESULTS,
    "buildbot.status.status_push": _gone(
        "it does nothing; use reporters.HttpStatusPush in c['services']",
        "HttpStatusPush StatusPush",
    ),
    "buildbot.status.web.auth": _gone(
        _WEB_RIGHTS, "AuthBase BasicAuth HTPasswdAuth HTPasswdAprAuth UsersAuth"
    ),
    "buildbot.status.web.authz": _gone(_WEB_RIGHTS, "Authz"),
    "buildbot.status.web.base": _WEB_PAGES
    | _gone(
        _WEB,
        "IHTMLLog build_get_class map_branches path_to_build path_to_builder path_to_slave "
        "path_to_step path_to_root",
    ),
    "buildbot.status.web.baseweb": _gone(_WEB, "WebStatus"),
    "buildbot.status.web.builder": _WEB_PAGES,
    "buildbot.status.web.hooks.github": _moved(f"{_HOOKS}.github", "GitHubEventHandler"),
    "buildbot.status.words": _moved("buildbot.reporters.irc", "IRC")
    | _gone("it does nothing; use reporters.IRC in c['services']", "IrcStatusBot Contact"),
}


def _all_below(package: str, names: dict[str, dict[str, OldName]]) -> dict[str, OldName]:
    """Return the names of a package's modules, as a namespace of plug-ins offers them."""
    return {
        name: old
        for module, names_of_module in names.items()
        if module.startswith(package)
        for name, old in names_of_module.items()
    }


_NAMESPACES = {
    "buildbot.plugins.buildslave": _all_below("buildbot.buildslave", _SLAVES),
    "buildbot.plugins.status": _all_below("buildbot.status", _STATUS),
}

OLD_NAMES: dict[str, dict[str, OldName]] = {
    **_SLAVES,
    **_SCHEDULERS,
    **_STEPS,
    **_STATUS,
    **_NAMESPACES,
}
"""The old names, by the module that they are imported from."""

OLD_PLUGINS: dict[str, dict[str, OldName]] = {
    "buildbot.plugins.schedulers": _moved(
        "buildbot.plugins.schedulers", Scheduler="SingleBranchScheduler"
    ),
    "buildbot.plugins.util": _moved(
        "buildbot.plugins.util",
        BuildslaveChoiceParameter="WorkerChoiceParameter",
        SlaveLock="WorkerLock",
        enforceChosenSlave="enforceChosenWorker",
    )
    | _gone(_WEB_RIGHTS, "BasicAuth"),
    "buildbot.plugins.worker": _moved(
        "buildbot.plugins.worker",
        AbstractBuildSlave="AbstractWorker",
        AbstractLatentBuildSlave="AbstractLatentWorker",
        BuildSlave="Worker",
        EC2LatentBuildSlave="EC2LatentWorker",
        LibVirtSlave="LibVirtWorker",
    ),
}
"""The old names of the namespaces of plug-ins that are still there."""
