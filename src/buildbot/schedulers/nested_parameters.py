"""Parameters that belong together: groups, codebases, patches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import inward, outgoing
from buildbot._border.errors import warn
from buildbot.config import error
from buildbot.schedulers.parameters import (
    BaseParameter,
    FileParameter,
    FixedParameter,
    IntParameter,
    StringParameter,
    ValidationError,
    answers_at_once,
    collected,
    text_wrong,
)

_FIELDS = ("branch", "project", "repository", "revision")
_PATCH_TEXTS = ("body", "author", "comment", "subdir")
_UNSET: Any = object()


class NestedParameter(BaseParameter):
    """Parameters that belong together, a dictionary among the properties (without a name: each).

    Args:
        fields (list[Any]): The parameters in the group.
        layout (str): "vertical", "simple" or "tabs".
        columns (int | None): Columns in which the fields are shown; None chooses by their number.
    """

    spec_attributes: ClassVar[list[str]] = ["layout", "columns"]
    type = "nested"
    layout = "vertical"
    fields: Any = None
    columns: Any = None

    def __init__(self, name: Any, fields: Any, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.fields = list(fields)
        if self.columns is None:
            shown = sum(not field.hide for field in self.fields)
            self.columns = 2 if shown >= 4 else 1
        self.setParent(None)

    def setParent(self, parent: Any) -> None:
        super().setParent(parent)
        for field in self.fields or ():
            field.setParent(self)

    @outgoing
    async def collectChildProperties(
        self, kwargs: Any, properties: Any, collector: Any, **kw: Any
    ) -> dict[str, Any]:
        """Return a Deferred of the children's answers."""
        answers: dict[str, Any] = {}
        for field in self.fields:
            if answers_at_once(collector, field):
                collector._take(field, kwargs, answers)
                continue
            await collected(
                collector,
                field.fullName,
                field.updateFromKwargs,
                kwargs=kwargs,
                properties=answers,
                collector=collector,
                **kw,
            )
        return answers

    @own_arguments
    @outgoing
    async def updateFromKwargs(
        self, kwargs: Any, properties: Any, collector: Any, **kw: Any
    ) -> None:
        await self._update(kwargs, properties, collector, **kw)

    async def _update(self, kwargs: Any, properties: Any, collector: Any, **kw: Any) -> None:
        answers = await inward(
            self.collectChildProperties,
            kwargs=kwargs,
            properties=properties,
            collector=collector,
            **kw,
        )
        if self.name:
            properties.setdefault(self.name, {}).update(answers)
        else:
            properties.update(answers)

    def getSpec(self) -> dict[str, Any]:
        return super().getSpec() | {"fields": [field.getSpec() for field in self.fields]}


ParameterGroup = NestedParameter


class AnyPropertyParameter(NestedParameter):
    """A property with a name that the user enters too."""

    def __init__(self, name: Any, **kw: Any) -> None:
        fields = [
            StringParameter(name="name", label="Name:"),
            StringParameter(name="value", label="Value:"),
        ]
        super().__init__(name, label=kw.pop("label", ""), fields=fields, **kw)

    def getFromKwargs(self, kwargs: Any) -> Any:
        raise ValidationError("AnyPropertyParameter has no answer of its own")

    async def _update(self, kwargs: Any, properties: Any, collector: Any, **kw: Any) -> None:
        answers = await inward(
            self.collectChildProperties,
            kwargs=kwargs,
            properties=properties,
            collector=collector,
            **kw,
        )
        name, value = answers.get("name"), answers.get("value", "")
        if not name:
            return
        if not re.fullmatch(r"[A-Za-z0-9._-]+", str(name)):
            raise ValidationError(f"bad property name='{name}', value='{value}'")
        properties[str(name)] = value


class PatchParameter(NestedParameter):
    """A patch of one codebase.

    Args:
        name (str, default patch): Name of the parameter.
        fields (list[Any], default ()): Parameters to use instead of the default ones for body,
            level, author, comment and subdir.
    """

    columns = 1

    def __init__(self, **kwargs: Any) -> None:
        name = kwargs.pop("name", "patch")
        given = {field.name: field for field in kwargs.pop("fields", ())}
        usual = [
            FileParameter("body"),
            IntParameter("level", default=1),
            StringParameter("author", default=""),
            StringParameter("comment", default=""),
            StringParameter("subdir", default="."),
        ]
        own = [given.pop(field.name, field) for field in usual]
        super().__init__(name, fields=[*own, *given.values()], **kwargs)

    async def _update(self, kwargs: Any, properties: Any, collector: Any, **kw: Any) -> None:
        await super()._update(kwargs, properties, collector, **kw)
        answers = properties[self.name] if self.name else properties
        for field in self.fields:
            value = answers.get(field.name)
            if value is None or field.name not in _PATCH_TEXTS:
                continue
            is_body = field.name == "body" and isinstance(value, bytes)
            if not is_body and (wrong := text_wrong(value)) is not None:
                collector.errors.setdefault(field.fullName, wrong)


class CodebaseParameter(NestedParameter):
    """The source stamp of one codebase; a field may be a parameter, a fixed value, or None.

    Args:
        codebase (str): The codebase.
        name (str | None): Name of the parameter; by default the codebase.
        label (str | None): Title of the group.
        branch (Any): Parameter, fixed value, or None for the branch; by default a line of text.
        revision (Any): Parameter, fixed value, or None for the revision.
        repository (Any): Parameter, fixed value, or None for the repository.
        project (Any): Parameter, fixed value, or None for the project.
        patch (Any): util.PatchParameter, to ask for a patch.
    """

    codebase = ""

    def __init__(
        self,
        codebase: Any,
        name: Any = None,
        label: Any = None,
        branch: Any = _UNSET,
        revision: Any = _UNSET,
        repository: Any = _UNSET,
        project: Any = _UNSET,
        patch: Any = None,
        **kwargs: Any,
    ) -> None:
        self.codebase = codebase
        name = codebase if name is None else name
        if label is None and codebase:
            label = f"Codebase: {codebase}"
        given = dict(zip(_FIELDS, (branch, project, repository, revision), strict=True))
        fields = [_codebase_field(field, value) for field, value in given.items()]
        if patch is not None:
            if patch.name != "patch":
                error("the patch parameter of a CodebaseParameter must be named 'patch'")
            fields.append(patch)
            kwargs.setdefault("columns", 1)
        super().__init__(name, fields=fields, label=label, **kwargs)

    def createSourcestamp(self, properties: Any, kwargs: Any) -> Any:
        """Return the parts of the source stamp that are not answers."""
        return {}

    async def _update(self, kwargs: Any, properties: Any, collector: Any, **kw: Any) -> None:
        sourcestamps = kw["sourcestamps"]
        answers = await inward(
            self.collectChildProperties,
            kwargs=kwargs,
            properties=properties,
            collector=collector,
            **kw,
        )
        self._check_texts(answers, collector)
        patch = answers.pop("patch", {})
        if patch.get("body"):
            answers |= {f"patch_{name}": value for name, value in patch.items()}
        stamp = await inward(self.createSourcestamp, properties, kwargs)
        sourcestamps[self.codebase] = {**(stamp or {}), **answers}

    def _check_texts(self, answers: Any, collector: Any) -> None:
        for field in self.fields:
            answer = answers.get(field.name)
            if field.name not in _FIELDS or answer is None or answer == field.default:
                continue
            if (wrong := text_wrong(answer)) is not None:
                collector.errors.setdefault(field.fullName, wrong)


def oneCodebase(**kw: Any) -> list[CodebaseParameter]:
    """Return the ``codebases`` of a form for one codebase without a name."""
    return [CodebaseParameter("", **kw)]


def with_codebases(owner: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form's arguments with those of Buildbot 0.8 for the only codebase as ``codebases``,
    with a warning."""
    old = {name: arguments[name] for name in _FIELDS if name in arguments}
    if not old:
        return dict(arguments)
    rest = {name: value for name, value in arguments.items() if name not in old}
    warn(
        f"{owner}: {', '.join(old)} must now be given in codebases: "
        "codebases=[util.CodebaseParameter(codebase='', "
        f"{', '.join(f'{name}=...' for name in old)})]"
    )
    if rest.get("codebases"):
        error(f"{owner}: codebases and {', '.join(old)} exclude each other; remove the latter")
    else:
        rest["codebases"] = oneCodebase(**old)
    return rest


def _codebase_field(name: str, value: Any) -> BaseParameter:
    if value is _UNSET:
        return StringParameter(name=name, label=f"{name.capitalize()}:")
    if value is None:
        return FixedParameter(name=name, default="")
    if isinstance(value, str):
        return FixedParameter(name=name, default=value)
    if not isinstance(value, BaseParameter):
        error(f"CodebaseParameter: {name} must be a parameter, a string, or None, not {value!r}")
        return FixedParameter(name=name, default="")
    return value
