"""What Buildbot calls a step that is given no name, and what it does by itself."""

from __future__ import annotations

import pytest

from buildbot.plugins import steps

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
