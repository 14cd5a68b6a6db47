"""Build factories: the ordered steps of a builder's builds."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from buildbot._border.calls import takes_builder
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error, warn
from buildbot._border.initialised import what_is_forgotten
from buildbot.process.build import Build
from buildbot.process.old_style import old_uses


def made(step: Any, **kwargs: Any) -> Any:
    """Return a step from its class and its arguments, as they were written in Buildbot 0.8."""
    name = step.__name__
    warn(f"{name} as a class with separate arguments is deprecated: write {name}(argument=...)")
    return step(**kwargs)


class BuildFactory(ComparableMixin):
    """An ordered list of steps, of which each build gets fresh copies.

    Set ``workdir`` (renderable, or a function of source stamps) on it or on a subclass to change
    the directory steps run in, and ``buildClass`` to change the class of the builds.

    Args:
        steps (list[Any] | None): The steps of a build.
    """

    buildClass: Any = Build
    useProgress = True
    _set_by_init = "steps"
    workdir: Any = "build"
    skipBuildIf: Any = None
    compare_attrs = ("buildClass", "skipBuildIf", "steps", "useProgress", "workdir")

    def __init__(self, steps: Iterable[Any] | None = None) -> None:
        self.steps: list[Any] = []
        if steps:
            self.addSteps(steps)

    def newBuild(self, requests: Sequence[Any], builder: Any = None) -> Any:
        """Return a new build of ``buildClass`` with this factory's steps.

        Subclasses may override it, and add what they like to the build. The engine gives the
        builder to those that take it, as Buildbot 4.3 does, and so does this to ``buildClass``.
        """
        kind = self.buildClass
        both = kind is Build or takes_builder(kind)
        build = kind(requests, builder) if both else kind(requests)
        build.useProgress = self.useProgress
        build.workdir = self.workdir
        build.setStepFactories(self.steps)
        return build

    def setSkipBuildIf(self, predicate: Any) -> None:
        """Skip builds for which *predicate* is true: the opposite of ``do_build_if`` of a builder,
        of the same kinds. (Buildbot 4.3 keeps it without using it.)"""
        self.skipBuildIf = predicate

    def addStep(self, step: Any, **kwargs: Any) -> None:
        """Append one step."""
        if isinstance(step, type):
            step = made(step, **kwargs)
        elif kwargs:
            error(f"addStep() takes a step, and no argument {next(iter(kwargs))!r}")
            return
        if not callable(getattr(step, "get_step_factory", None)) and not callable(
            getattr(step, "buildStep", None)
        ):
            error(f"addStep() needs a step instance (steps.ShellCommand(...)), not {step!r}")
            return
        if (forgotten := what_is_forgotten(step)) is not None:
            error(forgotten)
            return
        for use in old_uses(type(step)):
            warn(use.sentence, origin=use.origin)
        recipe = getattr(step, "get_step_factory", None)
        self.steps.append(recipe() if recipe is not None else step)

    def addSteps(
        self, steps: Iterable[Any], withSecrets: Sequence[tuple[Any, Any]] | None = None
    ) -> None:
        """Append several steps; around them, files of *withSecrets* (path and value) are on the
        worker."""
        if withSecrets:
            secret_files = importlib.import_module("buildbot.steps.download_secret_to_worker")
            paths = [path for path, _ in withSecrets]
            steps = [
                secret_files.DownloadSecretsToWorker(withSecrets),
                *steps,
                secret_files.RemoveWorkerFileSecret(paths),
            ]
        for step in steps:
            self.addStep(step)

    @contextmanager
    def withSecrets(self, secrets: Sequence[tuple[Any, Any]]) -> Iterator[BuildFactory]:
        """Have files of *secrets* (path and value) on the worker for the steps added within
        ``with factory.withSecrets([...]):``."""
        first = len(self.steps)
        yield self
        within, self.steps[first:] = self.steps[first:], []
        self.addSteps(within, withSecrets=secrets)
