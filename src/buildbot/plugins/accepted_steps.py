"""Steps that are accepted, with their documented arguments, and do nothing yet."""

from __future__ import annotations

from buildbot.plugins.accepted_names import Accepted
from buildbot.plugins.accepted_names import names_of as _of

_VISUAL = "installdir mode projectfile config useenv project INCLUDE LIB PATH platform defines"
_DEBIAN = (
    "architecture distribution basetgz mirror extrapackages keyring components othermirror "
    "baseOption"
)

STEPS: dict[str, dict[str, Accepted]] = {
    "buildbot.steps.configurable": _of(
        "step",
        BuildbotTestCiReadConfigMixin="*",
        BuildbotCiSetupSteps="*",
        BuildbotTestCiTrigger="*",
    ),
    "buildbot.steps.gitdiffinfo": _of("shell", GitDiffInfo="compareToRef dataName"),
    "buildbot.steps.maxq": _of("shell", MaxQ="testdir"),
    "buildbot.steps.mswin": _of(
        "shell",
        Robocopy="source destination files recursive mirror move exclude exclude_files "
        "exclude_dirs custom_opts verbose",
    ),
    "buildbot.steps.mtrlogobserver": {
        **_of(
            "shell",
            MTR="dbpool autoCreateTables textLimit testNameLimit parallel logfiles test_type "
            "test_info mtr_subdir",
        ),
        **_of("value", MtrLogObserver="*"),
    },
    "buildbot.steps.package.deb.lintian": _of("shell", DebLintian="fileloc suppressTags"),
    "buildbot.steps.package.deb.pbuilder": _of(
        "shell",
        DebCowbuilder=_DEBIAN,
        DebPbuilder=_DEBIAN,
        UbuCowbuilder=_DEBIAN,
        UbuPbuilder=_DEBIAN,
    ),
    "buildbot.steps.package.rpm.mock": _of(
        "shell",
        Mock="root resultdir",
        MockBuildSRPM="root resultdir spec sources",
        MockRebuild="root resultdir srpm",
    ),
    "buildbot.steps.package.rpm.rpmbuild": _of(
        "shell",
        RpmBuild="specfile topdir builddir rpmdir sourcedir specdir srcrpmdir dist define "
        "autoRelease vcsRevision",
    ),
    "buildbot.steps.package.rpm.rpmlint": _of("shell", RpmLint="fileloc config"),
    "buildbot.steps.source.bzr": _of("source", Bzr="repourl baseURL mode method defaultBranch"),
    "buildbot.steps.source.cvs": _of(
        "source",
        CVS="cvsroot cvsmodule mode method branch global_options extra_options login",
    ),
    "buildbot.steps.source.darcs": _of("source", Darcs="repourl mode method"),
    "buildbot.steps.source.mercurial": _of(
        "source",
        Mercurial="repourl mode method defaultBranch branchType clobberOnBranchChange",
    ),
    "buildbot.steps.source.mtn": _of("source", Monotone="repourl branch progress mode method"),
    "buildbot.steps.source.p4": _of(
        "source",
        P4="mode method p4base p4branch p4port p4user p4passwd p4extra_views p4line_end "
        "p4viewspec p4viewspec_suffix p4client p4client_spec_options p4client_type p4extra_args "
        "p4bin use_tickets stream debug",
    ),
    "buildbot.steps.source.repo": _of(
        "source",
        Repo="manifestURL manifestBranch manifestFile tarball jobs syncAllBranches "
        "updateTarballAge manifestOverrideUrl repoDownloads depth submodules syncQuietly",
    )
    | _of(
        "renderable", RepoDownloadsFromProperties="names", RepoDownloadsFromChangeSource="codebase"
    ),
    "buildbot.steps.vstudio": _of(
        "shell",
        **dict.fromkeys(
            (
                *("VC6", "VC7", "VC8", "VC9", "VC10", "VC11", "VC12", "VC14", "VC141"),
                *("VCExpress9", "VisualStudio"),
                *("VS2003", "VS2005", "VS2008", "VS2010", "VS2012", "VS2013", "VS2015"),
                *("VS2017", "VS2019", "VS2022"),
                *("MsBuild", "MsBuild4", "MsBuild12", "MsBuild14", "MsBuild141", "MsBuild15"),
                *("MsBuild16", "MsBuild17"),
            ),
            _VISUAL,
        ),
    ),
}
