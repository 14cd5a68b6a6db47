"""Ready-made build factories for common kinds of projects."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from buildbot.process.build_factory import BuildFactory
from buildbot.steps.python_twisted import Trial as TrialStep
from buildbot.steps.shell import Compile, Configure, PerlModuleTest, ShellCommand, Test
from buildbot.steps.source.svn import SVN

# This module has no file as long as its name is only accepted.
CVS: Any = importlib.import_module("buildbot.steps.source.cvs").CVS

Command = str | Sequence[str]


class GNUAutoconf(BuildFactory):
    """Source, ``./configure``, ``make all``, ``make check``, ``make distcheck``.

    A command that is None leaves its step out; ``reconf`` (True, or a command) adds
    ``autoreconf -si`` before the configure step.

    Args:
        source (Any): Step that gets the sources.
        configure (str | None): Command that configures; None skips the step.
        configureEnv (dict[str, str] | None): Environment variables of configure.
        configureFlags (list[str] | None): Arguments that `./configure` gets, each a word.
        reconf (bool | str | list[str] | None): Command that makes configure first; True for
            autoreconf.
        compile (str | list[str] | None): Command that compiles; None skips the step.
        test (str | list[str] | None): Command that tests; None skips the step.
        distcheck (str | list[str] | None): Command that checks the distribution; None skips the
            step.
    """

    def __init__(
        self,
        source: Any,
        configure: str | None = "./configure",
        configureEnv: Mapping[str, str] | None = None,
        configureFlags: Sequence[str] | None = None,
        reconf: bool | Command | None = None,
        compile: Command | None = ("make", "all"),
        test: Command | None = ("make", "check"),
        distcheck: Command | None = ("make", "distcheck"),
    ) -> None:
        super().__init__([source])
        if reconf:
            command: Any = ["autoreconf", "-si"] if reconf is True else reconf
            self.addStep(
                ShellCommand(name="autoreconf", command=command, env=dict(configureEnv or {}))
            )
        if configure is not None:
            command = [configure, *configureFlags] if configureFlags else configure
            self.addStep(Configure(command=command, env=dict(configureEnv or {})))
        if compile is not None:
            self.addStep(Compile(command=_listed(compile)))
        if test is not None:
            self.addStep(Test(command=_listed(test)))
        if distcheck is not None:
            self.addStep(Test(command=_listed(distcheck), name="distcheck"))


def _listed(command: Command) -> str | list[str]:
    return command if isinstance(command, str) else list(command)


class BasicBuildFactory(GNUAutoconf):
    """Autoconf's steps on a CVS checkout.

    Args:
        cvsroot (str): The repository.
        cvsmodule (str): The module to check out.
        cvsCopy (bool): Check out to a copy each time.
    """

    def __init__(
        self,
        cvsroot: str,
        cvsmodule: str,
        configure: str | None = None,
        configureEnv: Mapping[str, str] | None = None,
        compile: Command | None = "make all",
        test: Command | None = "make check",
        cvsCopy: bool = False,
    ) -> None:
        source = CVS(
            cvsroot=cvsroot,
            cvsmodule=cvsmodule,
            mode="full",
            method="copy" if cvsCopy else "clobber",
        )
        super().__init__(
            source, configure, configureEnv, compile=compile, test=test, distcheck=None
        )


class QuickBuildFactory(BuildFactory):
    """An incremental CVS checkout, then configure, compile, and test.

    Args:
        cvsroot (str): The repository.
        cvsmodule (str): The module to check out.
        configure (str | None): Command that configures; None skips the step.
        configureEnv (dict[str, str] | None): Environment variables of configure.
        compile (str | list[str] | None): Command that compiles; None skips the step.
        test (str | list[str] | None): Command that tests; None skips the step.
        cvsCopy (bool): Check out to a copy each time.
    """

    useProgress = False

    def __init__(
        self,
        cvsroot: str,
        cvsmodule: str,
        configure: str | None = None,
        configureEnv: Mapping[str, str] | None = None,
        compile: Command | None = "make all",
        test: Command | None = "make check",
        cvsCopy: bool = False,
    ) -> None:
        super().__init__([CVS(cvsroot=cvsroot, cvsmodule=cvsmodule, mode="incremental")])
        if configure is not None:
            self.addStep(Configure(command=configure, env=dict(configureEnv or {})))
        if compile is not None:
            self.addStep(Compile(command=_listed(compile)))
        if test is not None:
            self.addStep(Test(command=_listed(test)))


class BasicSVN(GNUAutoconf):
    """Autoconf's steps on a Subversion checkout.

    Args:
        svnurl (str): Address of the directory to check out.
    """

    def __init__(
        self,
        svnurl: str,
        configure: str | None = None,
        configureEnv: Mapping[str, str] | None = None,
        compile: Command | None = "make all",
        test: Command | None = "make check",
    ) -> None:
        source = SVN(repourl=svnurl, mode="incremental")
        super().__init__(
            source, configure, configureEnv, compile=compile, test=test, distcheck=None
        )


class CPAN(BuildFactory):
    """Source, ``perl Makefile.PL``, ``make``, and the Perl module's tests.

    Args:
        source (Any): Step that gets the sources.
        perl (str): The perl program of the worker.
    """

    def __init__(self, source: Any, perl: str = "perl") -> None:
        super().__init__([source])
        self.addStep(Configure(command=[perl, "Makefile.PL"]))
        self.addStep(Compile(command=["make"]))
        self.addStep(PerlModuleTest(command=["make", "test"]))


class Distutils(BuildFactory):
    """Source, ``python ./setup.py build``, and a test command if one is given.

    Args:
        source (Any): Step that gets the sources.
        python (str): The Python program of the worker that runs `setup.py`.
        test (str | list[str] | None): Command that tests; None skips the step.
    """

    def __init__(self, source: Any, python: str = "python", test: Command | None = None) -> None:
        super().__init__([source])
        self.addStep(Compile(command=[python, "./setup.py", "build"]))
        if test is not None:
            self.addStep(Test(command=_listed(test)))


class Trial(BuildFactory):
    """Source, ``setup.py build`` (unless ``buildpython`` is empty), and Twisted's trial.

    Args:
        source (Any): Step that gets the sources.
        buildpython (list[str]): Command that runs setup.py.
        trialpython (list[str]): Python with which to run trial.
        trial (str): The trial program.
        testpath (str): Directory to put on PYTHONPATH.
        randomly (bool | None): Run the tests in random order.
        recurse (bool | None): Look for tests in packages below, too.
        tests (str | list[str] | None): Modules or packages to test.
        useTestCaseNames (bool): Test the modules that belong to the changed files.
        env (dict[str, str] | None): Environment variables of trial.
    """

    def __init__(
        self,
        source: Any,
        buildpython: Sequence[str] = ("python",),
        trialpython: Sequence[str] = (),
        trial: str = "trial",
        testpath: str = ".",
        randomly: bool | None = None,
        recurse: bool | None = None,
        tests: Any = None,
        useTestCaseNames: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__([source])
        if buildpython:
            command = [*buildpython, "./setup.py", "build"]
            self.addStep(Compile(command=command, env=dict(env or {})))
        self.addStep(
            TrialStep(
                python=list(trialpython),
                trial=trial,
                testpath=testpath,
                tests=tests,
                testChanges=useTestCaseNames,
                randomly=randomly,
                recurse=recurse,
                env=dict(env or {}),
            )
        )
