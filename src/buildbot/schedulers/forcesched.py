"""The force scheduler: a form for starting builds by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from buildbot._border.arguments import no_argument, own_arguments
from buildbot._border.bridge import answered, outgoing, outward, settled
from buildbot._border.errors import warn
from buildbot._border.finder import old_names_of
from buildbot.config import error
from buildbot.process.properties import Properties
from buildbot.schedulers.base import ReconfigurableBaseScheduler
from buildbot.schedulers.choice_parameters import (
    ChoiceStringParameter,
    InheritBuildParameter,
    WorkerChoiceParameter,
    asked_for,
    spec_with_choices,
)
from buildbot.schedulers.nested_parameters import (
    AnyPropertyParameter,
    CodebaseParameter,
    NestedParameter,
    ParameterGroup,
    PatchParameter,
    oneCodebase,
    with_codebases,
)
from buildbot.schedulers.parameters import (
    FORM_SOURCE,
    BaseParameter,
    BooleanParameter,
    CollectedValidationError,
    FileParameter,
    FixedParameter,
    IntParameter,
    StringParameter,
    TextParameter,
    UserNameParameter,
    ValidationError,
    ValidationErrorCollector,
    collected,
    text_wrong,
)
from buildbot.util.identifiers import isIdentifier
from chargehand.domain.orders import InvalidParameters
from chargehand.scheduling import force as forms
from chargehand.scheduling.rules import Codebase
from chargehand.scheduling.submitting import Targets

__all__ = [
    "AnyPropertyParameter",
    "BaseParameter",
    "BooleanParameter",
    "ChoiceStringParameter",
    "CodebaseParameter",
    "CollectedValidationError",
    "FileParameter",
    "FixedParameter",
    "ForceScheduler",
    "InheritBuildParameter",
    "IntParameter",
    "NestedParameter",
    "ParameterGroup",
    "PatchParameter",
    "StringParameter",
    "TextParameter",
    "UserNameParameter",
    "ValidationError",
    "ValidationErrorCollector",
    "WorkerChoiceParameter",
    "oneCodebase",
]

_ARGUMENTS = (
    *("builderNames", "username", "reason", "reasonString", "buttonName", "codebases", "label"),
    *("properties", "priority"),
)
_NOBODY = ("", "anonymous")
_LARGEST_PRIORITY = 2**31 - 1
_NO_ANSWERS = {"self", "collector"}
"""Names that no field can have: answers are passed as arguments beside these."""


class ForceScheduler(ReconfigurableBaseScheduler):
    """A form that starts builds of its builders, or of one of them.

    Args:
        username (Any): Parameter that asks who starts the build; by default a
            util.UserNameParameter.
        reason (Any): Parameter that asks for the reason; by default a util.StringParameter.
        reasonString (str | None): Template of the reason, with `%(owner)s` and `%(reason)s`.
        buttonName (str | None): Text of the button that opens the form; by default the scheduler's
            name.
        codebases (list[Any] | None): Names, or util.CodebaseParameter, of the codebases to ask for.
        label (str | None): Title of the form; by default the scheduler's name.
        properties (list[Any] | None): Parameters of the form that become properties.
        priority (Any): Parameter that asks for the priority; by default a util.IntParameter.
    """

    _waits_for = "somebody who starts it"
    compare_attrs = (
        "reason",
        "username",
        "forcedProperties",
        "forced_priority",
    )

    def __init__(self, name: Any, builderNames: Any, **kwargs: Any) -> None:
        given = with_codebases(f'ForceScheduler "{name}"', kwargs)
        super().__init__(name=name, builderNames=builderNames, **given)

    def checkIfType(self, obj: Any, chkType: Any) -> bool:
        """Return whether *obj* is one of those."""
        return isinstance(obj, chkType)

    def checkIfListOfType(self, obj: Any, chkType: Any) -> bool:
        """Return whether *obj* is a list of those."""
        return isinstance(obj, list | tuple) and all(isinstance(o, chkType) for o in obj)

    @own_arguments
    def checkConfig(
        self,
        builderNames: Any,
        username: Any = None,
        reason: Any = None,
        reasonString: Any = None,
        buttonName: Any = None,
        codebases: Any = None,
        label: Any = None,
        properties: Any = None,
        priority: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Say what is wrong with the arguments."""
        if not isIdentifier(1024, self.name):
            warn(
                f"ForceScheduler name {self.name!r} is not an identifier, which Buildbot 4 "
                "requires: use letters, digits, '_' and '-', not starting with a digit"
            )
        super().checkConfig(builderNames)
        self._check_kind("reason", reason, BaseParameter, "StringParameter")
        self._check_kind("username", username, BaseParameter, "StringParameter")
        self._check_kind("priority", priority, IntParameter, "IntParameter")
        self._check_codebase_parameters(codebases)
        if properties is not None and not self.checkIfListOfType(properties, BaseParameter):
            error(
                f"{self._what}: properties must be a list of parameters (util.StringParameter …), "
                f"not {properties!r}"
            )
        for name in kwargs:
            error(no_argument(self._what, name, _ARGUMENTS))
        return settled(None)

    @own_arguments
    def reconfigService(
        self,
        builderNames: Any,
        username: Any = None,
        reason: Any = None,
        reasonString: Any = None,
        buttonName: Any = None,
        codebases: Any = None,
        label: Any = None,
        properties: Any = None,
        priority: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Take the arguments."""
        parameters = [_codebase_parameter(given) for given in _usable(codebases, [""])]
        super().reconfigService(
            builderNames, codebases={parameter.codebase: {} for parameter in parameters}
        )
        self.reason = reason or StringParameter(name="reason", default="force build", size=20)
        self.username = username or UserNameParameter()
        self.forced_priority = priority or IntParameter(name="priority", default=0)
        self.reasonString = reasonString
        self.buttonName = buttonName or self.name
        self.label = self.name if label is None else label
        own = [p for p in _usable(properties, []) if isinstance(p, BaseParameter)]
        self.forcedProperties: list[Any] = [*parameters, *own]
        self.all_fields: list[Any] = [
            NestedParameter(
                name="",
                label="",
                fields=[self.username, self.reason, self.forced_priority],
            ),
            *self.forcedProperties,
        ]
        return settled(None)

    def _check_kind(self, argument: str, given: Any, kind: type, word: str) -> None:
        if given is not None and not isinstance(given, kind):
            error(f"{self._what}: {argument} must be a util.{word}, not {given!r}")

    def _check_codebase_parameters(self, codebases: Any) -> None:
        if codebases is None:
            return
        what = f"{self._what}: codebases must"
        if isinstance(codebases, list | tuple) and not codebases:
            error(
                f"{what} not be empty; to show no codebase, use "
                "[util.CodebaseParameter(codebase='', hide=True)]"
            )
        elif not isinstance(codebases, list | tuple) or not self.checkIfListOfType(
            codebases, (str, CodebaseParameter)
        ):
            error(f"{what} be a list of names or util.CodebaseParameter, not {codebases!r}")

    # Filling in

    @outgoing
    async def gatherPropertiesAndChanges(
        self, collector: Any, **kwargs: Any
    ) -> tuple[Properties, list[int], dict[str, Any]]:
        """Return a Deferred of (Properties, change ids, source stamps by codebase)."""
        values: dict[str, Any] = {}
        changes: list[int] = []
        stamps: dict[str, Any] = {}
        for parameter in self.forcedProperties:
            await collected(
                collector,
                parameter.fullName,
                parameter.updateFromKwargs,
                master=self.master,
                scheduler=self,
                properties=values,
                changes=changes,
                sourcestamps=stamps,
                collector=collector,
                kwargs=kwargs,
            )
        collector.maybeRaiseCollectedErrors()
        found = Properties()
        found.update(values, FORM_SOURCE)
        return found, changes, stamps

    def computeBuilderNames(self, builderNames: Any = None, builderid: Any = None) -> Any:
        """Return a Deferred of the names that are asked for, all of the form's by default."""
        return settled(list(builderNames or self.builderNames))

    def force(
        self, owner: Any, builderNames: Any = None, builderid: Any = None, **kwargs: Any
    ) -> Any:
        """Submit a buildset for answers given as keyword arguments.

        Returns a Deferred of the buildset's id and a dictionary of request ids by builder id; it
        fails with CollectedValidationError.
        """
        return outward(self._force(owner, builderNames, builderid, kwargs))

    async def _force(self, owner: Any, names: Any, builder_id: Any, answers: Any) -> Any:
        form = self._behaviour()
        assert isinstance(form, forms.Force), "a form's settings cannot make another kind"
        if names is None and builder_id is not None:
            names = [form.builder_named(builder_id)]
        try:
            submitted = await form.submit(owner, names, answers)
            return None if submitted is None else submitted.numbers
        except InvalidParameters as wrong:
            raise CollectedValidationError(wrong.errors) from wrong

    async def _fill_in(
        self, owner: str, builder_names: Sequence[str], answers: Mapping[str, Any]
    ) -> forms.Filled:
        given = {
            name: _as_list(value) for name, value in answers.items() if name not in _NO_ANSWERS
        }
        asked_for.set(builder_names[0] if len(builder_names) == 1 else None)
        try:
            return await self._filled(owner, given)
        except CollectedValidationError as wrong:
            raise InvalidParameters(wrong.errors) from wrong

    async def _filled(self, owner: Any, given: dict[str, Any]) -> forms.Filled:
        collector = ValidationErrorCollector()
        ask = partial(collected, collector)
        reason = await ask(self.reason.fullName, self.reason.getFromKwargs, given)
        if owner is None or owner in _NOBODY:
            owner = str((given.get("owner") or [""])[0] or "")
            if not owner:
                owner = await ask(self.username.fullName, self.username.getFromKwargs, given) or ""
            _require_text(collector, self.username.fullName, owner)
        priority = await ask(
            self.forced_priority.fullName, self.forced_priority.getFromKwargs, given
        )
        _require_text(collector, self.reason.fullName, reason)
        _require_priority(collector, self.forced_priority.fullName, priority)
        gathered = await self._gathered(collector, given)
        collector.maybeRaiseCollectedErrors()
        properties, _, stamps = gathered
        properties.setProperty("reason", reason, FORM_SOURCE)
        properties.setProperty("owner", owner, FORM_SOURCE)
        own, words = self.reasonString, {"owner": owner, "reason": reason}
        return forms.Filled(
            reason=_sentence(owner, reason) if own is None else own % words,
            stamps=tuple({**stamp, "codebase": name} for name, stamp in stamps.items()),
            properties=properties.asDict(),
            priority=priority,
        )

    async def _gathered(self, collector: ValidationErrorCollector, given: dict[str, Any]) -> Any:
        try:
            return await answered(
                "gatherPropertiesAndChanges", self.gatherPropertiesAndChanges, collector, **given
            )
        except CollectedValidationError as wrong:
            collector.errors.update(wrong.errors)
            return Properties(), [], {}

    async def _call_force(
        self, owner: str, builder_names: Sequence[str] | None, answers: Mapping[str, Any]
    ) -> Any:
        names = None if builder_names is None else list(builder_names)
        given = {name: value for name, value in answers.items() if name not in _NO_ANSWERS}
        try:
            return await answered("force", self.force, owner, builderNames=names, **given)
        except CollectedValidationError as wrong:
            raise InvalidParameters(wrong.errors) from wrong
        except ValidationError as wrong:
            raise InvalidParameters({"": str(wrong)}) from wrong

    # The engine's side

    def _targets(self) -> Targets:
        targets = super()._targets()
        return Targets(
            builder_names=targets.builder_names,
            codebases={name: Codebase() for name in self.codebases},
            properties=targets.properties,
            render=targets.render,
        )

    def _settings(self) -> Any:
        return forms.Settings(
            common=self._common(),
            builder_names=tuple(map(str, self.builderNames)),
            button_name=str(self.buttonName),
            label=str(self.label),
            fields=self._fields,
            asked_fields=self._asked_fields,
            fill_in=self._fill_in,
            force=self._call_force if self._overrides_force else None,
        )

    @property
    def _overrides_force(self) -> bool:
        return type(self).force is not ForceScheduler.force

    def _fields(self) -> list[dict[str, Any]]:
        return [field.getSpec() for field in self.all_fields]

    async def _asked_fields(self, builder_name: str | None) -> list[dict[str, Any]]:
        return [
            await spec_with_choices(field, field.getSpec(), self.master, self, builder_name)
            for field in self.all_fields
        ]


def _sentence(owner: str, reason: str) -> str:
    """Return why there is a build: who started it by hand, and what for."""
    by = f"started by {owner}" if owner else "started by hand"
    return f"{by}: {reason}" if reason else by


def _require_text(collector: ValidationErrorCollector, name: Any, value: Any) -> None:
    if name not in collector.errors and (wrong := text_wrong(value)) is not None:
        collector.errors[name] = wrong


def _require_priority(collector: ValidationErrorCollector, name: Any, value: Any) -> None:
    if name in collector.errors:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        collector.errors[name] = "must be an integer"
    elif abs(value) > _LARGEST_PRIORITY:
        collector.errors[name] = f"must be between {-_LARGEST_PRIORITY} and {_LARGEST_PRIORITY}"


def _codebase_parameter(given: Any) -> CodebaseParameter:
    return given if isinstance(given, CodebaseParameter) else CodebaseParameter(codebase=given)


def _usable(given: Any, usual: list[Any]) -> list[Any]:
    """Return a list whatever was given: what is wrong with it has been said."""
    if not isinstance(given, list | tuple):
        return usual
    return [item for item in given if isinstance(item, str | BaseParameter)] or usual


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


__getattr__ = old_names_of(__name__)
