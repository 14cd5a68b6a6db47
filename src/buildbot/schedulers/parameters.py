"""Parameters of forms: what may be asked, and how answers are checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from buildbot._host.bridge import inward, outward
from buildbot.config import error

FORM_SOURCE = "Force Build Form"
_EMAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_TRUE = ("true", "on", "yes", "1")
_FIELDS = ("branch", "project", "repository", "revision")
_UNSET: Any = object()


class ValidationError(ValueError):
    """An answer is wrong; the text says why."""


class CollectedValidationError(ValueError):
    """Answers are wrong: ``errors`` has a text for each, by the parameter's full name."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__("\n".join(f"{name}:{text}" for name, text in self.errors.items()))


class ValidationErrorCollector:
    """Collects what is wrong with several answers."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}

    def collectValidationErrors(self, name: Any, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Return a Deferred of what *fn* returns, None where it found something wrong."""
        return outward(self._collect(name, fn, *args, **kwargs))

    async def _collect(self, name: Any, fn: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await inward(fn, *args, **kwargs)
        except CollectedValidationError as wrong:
            self.errors.update(wrong.errors)
        except ValueError as wrong:
            self.errors[name] = str(wrong)
        return None

    def maybeRaiseCollectedErrors(self) -> None:
        """Raise CollectedValidationError if something is wrong."""
        if self.errors:
            raise CollectedValidationError(self.errors)


class BaseParameter:
    """A parameter; keyword arguments become attributes, and so do those of subclasses."""

    spec_attributes: ClassVar[list[str]] = [
        "name",
        "fullName",
        "label",
        "tablabel",
        "type",
        "default",
        "required",
        "multiple",
        "regex",
        "hide",
        "maxsize",
        "autopopulate",
        "tooltip",
    ]
    name = ""
    parentName: str | None = None
    label = ""
    tablabel = ""
    type = ""
    default: Any = ""
    required = False
    multiple = False
    regex: Any = None
    debug = True
    hide = False
    maxsize: int | None = None
    autopopulate: Any = None
    tooltip = ""

    def __init__(
        self, name: Any, label: Any = None, tablabel: Any = None, regex: Any = None, **kw: Any
    ) -> None:
        if name in ("owner", "builderNames", "builderid"):
            error(f"{name} cannot be used as a parameter name, because it is reserved")
        self.name = name
        self.label = name if label is None else label
        self.tablabel = self.label if tablabel is None else tablabel
        if regex:
            try:
                self.regex = re.compile(regex)
            except re.error as wrong:
                error(f"parameter {name!r}: {regex!r} is no regular expression: {wrong}")
        if "value" in kw:
            error(f"parameter {name!r}: use default= instead of value=")
        self.__dict__.update(kw)

    @property
    def fullName(self) -> str | None:
        """The name, after those of the parameters that it is nested in; None without any."""
        return "_".join(filter(None, (self.parentName, self.name))) or None

    def setParent(self, parent: Any) -> None:
        """Take the parameter that it is nested in, None for none."""
        self.parentName = None if parent is None else parent.fullName

    def getFromKwargs(self, kwargs: Any) -> Any:
        """Return the answer from lists of values by full name. Raises ValidationError."""
        args = _listed(kwargs[self.fullName]) if self.fullName in kwargs else []
        if not args or args == [""]:
            args = self._without_answer(args)
        if self.regex is not None:
            self._check_regex(args)
        if self.maxsize is not None:
            self._check_size(args)
        try:
            answer = self.parse_from_args(args)
        except ValidationError:
            raise
        except (TypeError, ValueError) as wrong:
            raise ValidationError(str(wrong)) from wrong
        if answer is None:
            raise ValidationError(f"need {self.fullName}: no default provided by config")
        return answer

    def _without_answer(self, args: list[Any]) -> list[Any]:
        if self.required:
            raise ValidationError(f"'{self.label}' needs to be specified")
        if self.multiple:
            return list(_listed(self.default)) if self.default else []
        return args or [self.default]

    def _check_regex(self, args: list[Any]) -> None:
        for value in args:
            if isinstance(value, str) and not self.regex.match(value):
                text = f"{self.label}:'{value}' does not match pattern '{self.regex.pattern}'"
                raise ValidationError(text)

    def _check_size(self, args: list[Any]) -> None:
        for value in args:
            if isinstance(value, str | bytes) and len(value) > (self.maxsize or 0):
                text = f"{self.label}: is too large {len(value)} > {self.maxsize}"
                raise ValidationError(text)

    def updateFromKwargs(self, properties: Any, kwargs: Any, collector: Any, **unused: Any) -> Any:
        """Put the answer among the properties."""
        properties[self.name] = self.getFromKwargs(kwargs)

    def parse_from_args(self, l: Any) -> Any:  # noqa: E741 - Buildbot's name
        """Return the answer from a list of values."""
        if self.multiple:
            return [self.parse_from_arg(arg) for arg in l]
        return self.parse_from_arg(l[0])

    def parse_from_arg(self, s: Any) -> Any:
        """Return the answer from one value."""
        return s

    def getSpec(self) -> dict[str, Any]:
        """Return the parameter as the REST API has it."""
        spec = {}
        for kind in reversed(type(self).__mro__):
            for name in kind.__dict__.get("spec_attributes", ()):
                value = getattr(self, name, None)
                spec[name] = value.pattern if isinstance(value, re.Pattern) else value
        return spec | {name: None for name, value in spec.items() if callable(value)}


class FixedParameter(BaseParameter):
    """A value that cannot be chosen."""

    type = "fixed"
    hide = True
    default = ""

    def parse_from_args(self, l: Any) -> Any:  # noqa: E741 - Buildbot's name
        return self.default


class StringParameter(BaseParameter):
    """A line of text, ``size`` characters wide."""

    spec_attributes: ClassVar[list[str]] = ["size"]
    type = "text"
    size = 10

    def parse_from_arg(self, s: Any) -> Any:
        return s


class TextParameter(StringParameter):
    """Several lines of text."""

    spec_attributes: ClassVar[list[str]] = ["cols", "rows"]
    type = "textarea"
    cols = 80
    rows = 20

    def value_to_text(self, value: Any) -> str:
        """Return a value as text."""
        return str(value)


class IntParameter(StringParameter):
    """A whole number."""

    type = "int"
    default: Any = 0

    def parse_from_arg(self, s: Any) -> Any:
        return self.default if s == "" else int(s)


class BooleanParameter(BaseParameter):
    """Yes or no."""

    type = "bool"

    def getFromKwargs(self, kwargs: Any) -> bool:
        if self.fullName not in kwargs:
            return bool(self.default)
        values = _listed(kwargs[self.fullName])
        value = values[0] if values else False
        return value.strip().lower() in _TRUE if isinstance(value, str) else bool(value)


class UserNameParameter(StringParameter):
    """Who asks, as ``Name <name@host>`` unless ``need_email=False``."""

    spec_attributes: ClassVar[list[str]] = ["need_email"]
    type = "username"
    default = ""
    size = 30
    need_email = True

    def __init__(self, name: Any = "username", label: Any = "Your name:", **kw: Any) -> None:
        super().__init__(name, label, **kw)

    def parse_from_arg(self, s: Any) -> Any:
        if s and self.need_email and not _EMAIL.search(str(s)):
            raise ValidationError(
                f"{self.name}: please fill in email address in the form 'User <email@email.com>'"
            )
        return s


class ChoiceStringParameter(BaseParameter):
    """One (``multiple``: several) of ``choices``, or else anything unless ``strict``."""

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
        """Return what may be chosen."""
        return self.choices


class FileParameter(BaseParameter):
    """A file's text, no longer than ``maxsize``."""

    type = "file"
    maxsize = 1024 * 1024 * 10


class NestedParameter(BaseParameter):
    """Parameters that belong together, a dictionary among the properties (without a name: each)."""

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

    def collectChildProperties(
        self, kwargs: Any, properties: Any, collector: Any, **kw: Any
    ) -> Any:
        """Return a Deferred of the children's answers."""
        return outward(self._children(kwargs, properties, collector, **kw))

    async def _children(
        self, kwargs: Any, properties: Any, collector: Any, **kw: Any
    ) -> dict[str, Any]:
        answers: dict[str, Any] = {}
        for field in self.fields:
            await inward(
                collector.collectValidationErrors,
                field.fullName,
                field.updateFromKwargs,
                kwargs=kwargs,
                properties=answers,
                collector=collector,
                **kw,
            )
        return answers

    def updateFromKwargs(  # type: ignore[override] # as Buildbot has it
        self, kwargs: Any, properties: Any, collector: Any, **kw: Any
    ) -> Any:
        return outward(self._update(kwargs, properties, collector, **kw))

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
    """A property whose name is asked for as well."""

    def __init__(self, name: Any, **kw: Any) -> None:
        fields = [
            StringParameter(name="name", label="Name:"),
            StringParameter(name="value", label="Value:"),
        ]
        super().__init__(name, label=kw.pop("label", ""), fields=fields, **kw)

    def getFromKwargs(self, kwargs: Any) -> Any:
        raise ValidationError("AnyPropertyParameter has no answer of its own")

    async def _update(self, kwargs: Any, properties: Any, collector: Any, **kw: Any) -> None:
        answers = await self._children(kwargs, properties, collector, **kw)
        name, value = answers.get("name"), answers.get("value", "")
        if not name:
            return
        if not re.fullmatch(r"[A-Za-z0-9._-]+", str(name)):
            raise ValidationError(f"bad property name='{name}', value='{value}'")
        properties[name] = value


class PatchParameter(NestedParameter):
    """A patch of one codebase."""

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


class CodebaseParameter(NestedParameter):
    """The source stamp of one codebase; a field may be a parameter, a fixed value, or None."""

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
                error("patch parameter of a codebase must be named 'patch'")
            fields.append(patch)
            kwargs.setdefault("columns", 1)
        super().__init__(name, fields=fields, label=label, **kwargs)

    def createSourcestamp(self, properties: Any, kwargs: Any) -> Any:
        """Return what the source stamp has besides the answers."""
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
        patch = answers.pop("patch", {})
        if patch.get("body"):
            answers |= {f"patch_{name}": value for name, value in patch.items()}
        stamp = await inward(self.createSourcestamp, properties, kwargs)
        sourcestamps[self.codebase] = {**(stamp or {}), **answers}


class InheritBuildParameter(ChoiceStringParameter):
    """A build of before whose form's properties are taken over.

    ``compatible_builds(master, builder name)`` returns a list like ``["builder/5"]``.
    """

    name = "inherit"
    compatible_builds: Any = None

    def getChoices(self, master: Any, scheduler: Any, buildername: Any) -> Any:
        """Return the builds that may be chosen."""
        return self.compatible_builds(master, buildername)

    def getFromKwargs(self, kwargs: Any) -> Any:
        raise ValidationError("InheritBuildParameter has no answer of its own")

    def updateFromKwargs(  # type: ignore[override] # as Buildbot has it
        self, master: Any, properties: Any, changes: Any, kwargs: Any, **unused: Any
    ) -> Any:
        return outward(self._inherit(master, properties, kwargs))

    async def _inherit(self, master: Any, properties: Any, kwargs: Any) -> None:
        wanted = str((_listed(kwargs.get(self.fullName)) or [""])[0]).strip()
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
    """The worker that shall build, or any."""

    strict = False
    required = False
    anySentinel = "-any-"
    label = "Worker"

    def __init__(self, name: Any = "workername", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)

    def updateFromKwargs(self, kwargs: Any, **unused: Any) -> Any:  # type: ignore[override] # as Buildbot has it
        if self.getFromKwargs(kwargs) != self.anySentinel:
            super().updateFromKwargs(kwargs=kwargs, **unused)

    def getChoices(self, master: Any, scheduler: Any, buildername: Any) -> Any:
        """Return the workers that may be chosen, as far as the configuration names them."""
        return self.choices


def oneCodebase(**kw: Any) -> list[CodebaseParameter]:
    """Return the ``codebases`` of a form for one codebase without a name."""
    return [CodebaseParameter("", **kw)]


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


def _listed(value: Any) -> Any:
    if value is None:
        return [None]
    return list(value) if isinstance(value, list | tuple) else [value]
