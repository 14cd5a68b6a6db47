"""Parameters of forms that are chosen from a list, which functions of users may make."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from copy import copy
from typing import Any, ClassVar

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import answered, inward, outgoing
from buildbot.schedulers.parameters import FORM_SOURCE, BaseParameter, ValidationError, listed
from chargehand.kit.guard import guarded

_log = logging.getLogger(__name__)

asked_for: ContextVar[str | None] = ContextVar("asked_for", default=None)
"""The builder for which a form is being filled in, None for several."""


class ChoiceStringParameter(BaseParameter):
    """One (``multiple``: several) of ``choices``, or else anything unless ``strict``.

    Args:
        choices (list[Any]): What may be chosen.
        strict (bool): Whether other answers are refused.
    """

    spec_attributes: ClassVar[list[str]] = ["choices", "strict"]
    type = "list"
    choices: Any = []
    strict = True

    def parse_from_arg(self, s: Any) -> Any:
        if self.strict and s not in self.choices:
            raise ValidationError(
                f"'{s}' does not belong to list of available choices '{self.choices}'"
            )
        return s

    def getChoices(self, master: Any, scheduler: Any, buildername: Any) -> Any:
        """Return what may be chosen (or a Deferred or coroutine of it), for one builder, or for all
        of the form's when *buildername* is None. It is called when a form is shown, and when an
        answer comes."""
        return self.choices

    @own_arguments
    @outgoing
    async def updateFromKwargs(self, properties: Any, kwargs: Any, **unused: Any) -> None:
        await self._choose(properties, kwargs, unused.get("master"), unused.get("scheduler"))

    async def _choose(self, properties: Any, kwargs: Any, master: Any, scheduler: Any) -> None:
        """Put the answer among the properties, having checked it against what may be chosen now."""
        checked = copy(self)
        if self.strict:
            what = "getChoices of parameter %r failed"
            with guarded(_log, what, self.name) as attempt:
                checked.choices = await self._asked_choices(master, scheduler, asked_for.get())
            if attempt.failure is not None:
                raise ValidationError(f"getChoices failed: {attempt.failure}")
        properties[self.name] = checked.getFromKwargs(kwargs)

    async def _asked_choices(self, master: Any, scheduler: Any, builder_name: str | None) -> Any:
        if type(self).getChoices is ChoiceStringParameter.getChoices:
            return self.choices
        found = await answered("getChoices", self.getChoices, master, scheduler, builder_name)
        return list(found or ())


async def spec_with_choices(
    parameter: Any, spec: dict[str, Any], master: Any, scheduler: Any, builder_name: str | None
) -> dict[str, Any]:
    """Return the *spec* of a parameter with what may be chosen now, in it and below it."""
    if isinstance(parameter, ChoiceStringParameter):
        choices: Any = []
        with guarded(_log, "getChoices of parameter %r failed", parameter.name):
            choices = await parameter._asked_choices(master, scheduler, builder_name)
        return spec | {"choices": choices}
    children = getattr(parameter, "fields", None)
    if not children or len(children) != len(spec.get("fields") or ()):
        return spec
    return spec | {
        "fields": [
            await spec_with_choices(child, of_child, master, scheduler, builder_name)
            for child, of_child in zip(children, spec["fields"], strict=True)
        ]
    }


class InheritBuildParameter(ChoiceStringParameter):
    """An earlier build whose form's properties are taken over.

    ``compatible_builds(master, builder name)`` returns a list like ``["builder/5"]``.

    Args:
        compatible_builds (Callable[..., Any] | None): function(master, builder name) that returns
            the builds to offer, as "builder/number".
    """

    name = "inherit"
    compatible_builds: Any = None

    def getChoices(self, master: Any, scheduler: Any, buildername: Any) -> Any:
        """Return the builds that may be chosen."""
        function = self.compatible_builds
        return [] if function is None else function(master, buildername)

    def getFromKwargs(self, kwargs: Any) -> Any:
        raise ValidationError("InheritBuildParameter has no answer of its own")

    @own_arguments
    @outgoing
    async def updateFromKwargs(
        self, master: Any, properties: Any, changes: Any, kwargs: Any, **unused: Any
    ) -> None:
        answers = listed(kwargs.get(self.fullName))
        wanted = str((answers and answers[0]) or "").strip()
        if not wanted and not self.required:
            return
        builder, _, number = wanted.partition(" ")[0].rpartition("/")
        if not builder or not number.isdigit():
            raise ValidationError(f"bad build: {wanted}")
        path = ("builders", builder, "builds", int(number), "properties")
        found = await inward(master.data.get, path)
        if not found:
            raise ValidationError(f"unknown build: {wanted}")
        for name, (value, source) in found.items():
            if source == FORM_SOURCE:
                properties[name] = value


class WorkerChoiceParameter(ChoiceStringParameter):
    """The worker that builds, or any."""

    strict = False
    required = False
    anySentinel = "-any-"
    label = "Worker"

    def __init__(self, name: Any = "workername", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)

    async def _choose(self, properties: Any, kwargs: Any, master: Any, scheduler: Any) -> None:
        answer = self.getFromKwargs(kwargs)
        if answer != self.anySentinel:
            properties[self.name] = answer

    def getChoices(self, master: Any, scheduler: Any, buildername: Any) -> Any:
        """Return "any", and the workers of the builder, or of all of the form's builders."""
        names = scheduler.builderNames if buildername is None else [buildername]
        builders = master.botmaster.builders
        workers = {
            worker
            for name in names
            if name in builders
            for worker in builders[name].config.workernames
        }
        return [self.anySentinel, *sorted(workers)]
