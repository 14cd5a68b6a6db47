"""Steps that are accepted in a configuration, and not supported yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from buildbot._border.arguments import bound
from buildbot._border.bridge import outgoing
from buildbot._border.errors import warn
from buildbot.process.buildstep import BuildStep, ShellMixin
from buildbot.process.results import EXCEPTION
from buildbot.steps.worker import CompositeStepMixin

_SOURCE = (
    "alwaysUseLatest",
    "codebase",
    "env",
    "logEnviron",
    "repository",
    "retry",
    "timeout",
    "workdir",
)


class NotYetStep(BuildStep):
    """A step that takes its documented arguments, and ends with EXCEPTION when a build reaches it.

    Subclasses that override ``run`` do what they say.
    """

    documented: ClassVar[Sequence[str]] = ()
    documented_name: ClassVar[str] = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names = self.documented
        own = {name: value for name, value in kwargs.items() if name in names}
        others = {} if "*" in names else {k: v for k, v in kwargs.items() if k not in names}
        if "*" in names:
            own = kwargs
        values = bound(self.documented_name, names, args, own)
        if "workdir" in values:
            others["workdir"] = values.pop("workdir")
        super().__init__(**self._common(others))
        for name in names:
            if name not in ("*", "workdir"):
                setattr(self, name, values.get(name))
        if type(self).run is NotYetStep.run:
            warn(
                f"step {self.documented_name} is not supported yet: builds that reach it end with "
                "an exception (see docs/migrating-from-buildbot.md)"
            )

    def _common(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return kwargs

    @outgoing
    async def run(self) -> int:
        """Say in a log that the step is not supported, and end with EXCEPTION."""
        await self.addCompleteLog(
            "not supported yet",
            f"The step {self.documented_name} is accepted in a configuration, and not supported "
            "yet by this version of Chargehand.\nSee docs/migrating-from-buildbot.md for what is, "
            "and for what to use instead.\n",
        )
        self.descriptionDone = [self.documented_name, "is not supported yet"]
        return EXCEPTION


class NotYetSource(CompositeStepMixin, NotYetStep):
    """A step that gets sources: subclasses may run commands of their own."""


class NotYetShellStep(CompositeStepMixin, ShellMixin, NotYetStep):
    """A step that takes the arguments of shell commands as well."""

    def _common(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return self.setupShellMixin(kwargs)


_BASES: dict[str, type[NotYetStep]] = {
    "step": NotYetStep,
    "source": NotYetSource,
    "shell": NotYetShellStep,
}


_PACKAGER = {"haltOnFailure": True, "description": ["building"], "descriptionDone": ["built"]}
_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "DebCowbuilder": {"name": "cowbuilder", **_PACKAGER},
    "DebLintian": {"name": "lintian", "flunkOnFailure": False, "warnOnFailure": True},
    "DebPbuilder": {"name": "pbuilder", **_PACKAGER},
    "GitDiffInfo": {"name": "GitDiffInfo"},
    "Mercurial": {"name": "hg"},
    "Mock": {"haltOnFailure": True},
    "MockBuildSRPM": {"haltOnFailure": True},
    "MockRebuild": {"name": "mock", "haltOnFailure": True},
    "Robocopy": {"name": "generic"},
    "RpmBuild": {"name": "rpmbuilder", "haltOnFailure": True},
    "RpmLint": {"warnOnFailure": True},
    "UbuCowbuilder": {"name": "cowbuilder", **_PACKAGER},
    "UbuPbuilder": {"name": "pbuilder", **_PACKAGER},
}
"""Class attributes that are not as their class's name says."""


def step_class(module: str, name: str, kind: str, arguments: Sequence[str]) -> type[NotYetStep]:
    """Return the class of a step that is accepted; *kind* is step, shell, or source."""
    names = (*arguments, *_SOURCE) if kind == "source" else tuple(arguments)
    body = {
        "__module__": module,
        "__doc__": f"{name}: accepted, and not supported yet.",
        "documented": names,
        "documented_name": name,
        "name": name.lower(),
        **({"haltOnFailure": True} if kind == "source" else {}),
        **({"name": "compile"} if module == "buildbot.steps.vstudio" else {}),
        **_ATTRIBUTES.get(name, {}),
    }
    return type(name, (_BASES[kind],), body)
