"""What Buildbot calls a step that is given no name, and what it does by itself."""

from __future__ import annotations

import pytest

from buildbot.plugins import changes, reporters, steps

_NAMES = """
Bzr=bzr CMake=cmake CVS=cvs Compile=compile Configure=configure CopyDirectory=CopyDirectory
Cppcheck=cppcheck Darcs=darcs DebCowbuilder=cowbuilder DebLintian=lintian DebPbuilder=pbuilder
FileDownload=download FileExists=FileExists FileUpload=upload Git=git GitDiffInfo=GitDiffInfo
JSONStringDownload=json_download MakeDirectory=MakeDirectory MasterShellCommand=MasterShellCommand
Mercurial=hg MockRebuild=mock MsBuild17=compile MultipleFileUpload=upload
P4=p4 RemoveDirectory=RemoveDirectory Repo=repo Robocopy=generic RpmBuild=rpmbuilder SVN=svn
SetPropertyFromCommand=setproperty ShellCommand=shell ShellSequence=generic
StringDownload=string_download SubunitShellCommand=shell Test=test Trial=trial Trigger=trigger
UbuPbuilder=pbuilder VC9=compile VS2022=compile
"""
_COMPOSITE = """
Bzr CVS Compile Darcs DebCowbuilder DebPbuilder Gerrit Git GitCommit GitHub GitLab GitPush GitTag
Mercurial Monotone MultipleFileUpload P4 PerlModuleTest Repo RpmLint SVN Test UbuCowbuilder
UbuPbuilder WarningCountingShellCommand
"""
"""The steps that run commands of CompositeStepMixin in Buildbot."""

NAMES = [pair.split("=") for pair in _NAMES.split()]


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_a_step_without_a_name_is_called_as_in_buildbot(kind: str, name: str) -> None:
    assert steps.get(kind).name == name


def test_steps_that_stop_a_build_by_themselves_are_buildbots() -> None:
    halting = [kind for kind, _ in NAMES if steps.get(kind).haltOnFailure]

    assert halting == [
        *("Bzr", "CMake", "CVS", "Compile", "Configure", "CopyDirectory", "Darcs", "DebCowbuilder"),
        *("DebPbuilder", "FileDownload", "FileExists", "FileUpload", "Git", "JSONStringDownload"),
        *("MakeDirectory", "MasterShellCommand", "Mercurial", "MockRebuild", "MultipleFileUpload"),
        *("P4", "RemoveDirectory", "Repo", "RpmBuild", "SVN", "StringDownload", "UbuPbuilder"),
    ]
    assert not steps.GitCommit.haltOnFailure


@pytest.mark.parametrize("kind", _COMPOSITE.split())
def test_steps_have_the_commands_that_subclasses_use(kind: str) -> None:
    assert issubclass(steps.get(kind), steps.CompositeStepMixin)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: changes.BitbucketPullrequestPoller("o", "r"), "o/r"),
        (lambda: changes.CVSMaildirSource("/d"), "CVSMaildirSource"),
        (lambda: changes.GerritChangeSource("h", "u"), "GerritChangeSource:u@h:29418"),
        (lambda: changes.GerritChangeSource("h", "u", 1), "GerritChangeSource:u@h:1"),
        (lambda: changes.GerritEventLogPoller("http://h", None), "GerritEventLogPoller:http://h"),
        (lambda: changes.GitHubPullrequestPoller("o", "r"), "GitHubPullrequestPoller:o/r"),
        (lambda: changes.GitPoller("git://r", branches=["a"]), "git://r"),
        (lambda: changes.HgPoller("http://h", workdir="w"), "http://h"),
        (lambda: changes.HgPoller("http://h", branches=["k", "l"]), "http://h_k_l"),
        (lambda: changes.HgPoller("http://h", bookmarks=["k"]), "http://h_k"),
        (lambda: changes.P4Source(p4port="1:2"), "P4Source:1:2://"),
        (lambda: changes.P4Source(p4base="//depot"), "P4Source:None://depot"),
        (lambda: changes.PBChangeSource(), "PBChangeSource:None"),
        (lambda: changes.PBChangeSource(name="mine"), "mine"),
        (lambda: changes.SVNCommitEmailMaildirSource("/d"), "SVN commit-email.pl"),
        (lambda: changes.SVNPoller("svn://r"), "svn://r"),
        (
            lambda: reporters.PushoverNotifier("u", "t"),
            "PushoverNotifier_BuildStatusGeneratorfailing_passing_warnings",
        ),
        (
            lambda: reporters.MailNotifier("a@b.c", generators=[reporters.BuildStatusGenerator()]),
            "MailNotifier_BuildStatusGeneratorfailing_passing_warnings",
        ),
        (lambda: reporters.IRC("h", "n", ["#c"]), "IRC"),
        (lambda: reporters.ZulipStatusPush("http://h", "t", "s"), "ZulipStatusPush"),
    ],
)
def test_a_part_without_a_name_is_called_as_in_buildbot(make, name: str) -> None:
    assert make().name == name
