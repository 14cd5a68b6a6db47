"""Parameters of forms: what may be asked, and how answers are checked."""

from __future__ import annotations

import re
from collections.abc import Coroutine, Mapping
from typing import Any, ClassVar

from buildbot._border.argument_errors import tell_arguments, telling
from buildbot._border.bridge import answered, inward, outgoing
from buildbot._border.making import note_making
from buildbot._border.numbers import COUNT_OR_NONE, POSITIVE, POSITIVE_OR_NONE, check_number
from buildbot.config import error
from chargehand.domain.orders import text_error
from chargehand.kit.guard import contained
from chargehand.kit.linear_patterns import matches

FORM_SOURCE = "Force Build Form"
_EMAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_TRUE = ("true", "on", "yes", "1")


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

    @outgoing
    async def collectValidationErrors(self, name: Any, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Return a Deferred of what *fn* returns, None where it found something wrong."""
        return await self._collected(name, fn, *args, **kwargs)

    def _take(self, field: Any, kwargs: Any, answers: dict[str, Any]) -> None:
        """Put the answer of a field that `answers_at_once` among *answers*, or collect what is
        wrong with it."""
        try:
            answers[field.name] = contained(field.getFromKwargs, kwargs)
        except CollectedValidationError as wrong:
            self.errors.update(wrong.errors)
        except ValueError as wrong:
            self.errors[field.fullName] = str(wrong)
        except Exception as wrong:
            note_making(wrong, field)
            raise

    async def _collected(self, name: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            if getattr(fn, "__func__", None) in _AT_ONCE:
                return contained(fn, *args, **kwargs)
            return await answered(f"parameter {name}", fn, *args, **kwargs)
        except CollectedValidationError as wrong:
            self.errors.update(wrong.errors)
        except ValueError as wrong:
            self.errors[name] = str(wrong)
        except Exception as wrong:
            note_making(wrong, getattr(fn, "__self__", None))
            raise
        return None

    def maybeRaiseCollectedErrors(self) -> None:
        """Raise CollectedValidationError if something is wrong."""
        if self.errors:
            raise CollectedValidationError(self.errors)


def collected(
    collector: Any, name: Any, fn: Any, /, *args: Any, **kwargs: Any
) -> Coroutine[Any, Any, Any]:
    """Let a collector, which may be of a user's class, ask *fn*; return the answer."""
    kind = type(collector)
    if kind.collectValidationErrors is ValidationErrorCollector.collectValidationErrors:
        asking: Coroutine[Any, Any, Any] = collector._collected(name, fn, *args, **kwargs)
        return asking  # Nobody wants a Deferred.
    return inward(collector.collectValidationErrors, name, fn, *args, **kwargs)


def answers_at_once(collector: Any, field: Any) -> bool:
    """Return whether neither the collector nor the field has code of users between the question
    and the answer."""
    return (
        type(collector) is ValidationErrorCollector
        and type(field).updateFromKwargs is BaseParameter.updateFromKwargs
        and type(field).getFromKwargs is BaseParameter.getFromKwargs
    )


_NUMBERS = {
    "maxsize": COUNT_OR_NONE,
    "size": POSITIVE,
    "cols": POSITIVE,
    "rows": POSITIVE,
    "columns": POSITIVE_OR_NONE,
}


class BaseParameter:
    """A parameter; keyword arguments become attributes, and so do those of subclasses.

    Args:
        name (str): Name of the property that gets the answer.
        label (str | None): Text beside the field; by default the name.
        tablabel (str | None): Title of the tab, in a group with tabs; by default the label.
        regex (str | None): Regular expression that the answer must match.
        default (Any): Value for a form that is sent without an answer.
        required (bool): Whether an answer must be given.
        multiple (bool): Whether the answer is a list.
        hide (bool): Do not show the field.
        maxsize (int | None, characters): Longest answer that is accepted.
        autopopulate (dict[str, Any] | None): Values for other fields, by what is chosen here.
        tooltip (str): Explanation shown with the field.
        debug (bool): Has no effect; accepted because Buildbot has it.
    """

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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        tell_arguments(cls)

    @telling
    def __init__(
        self, name: Any, label: Any = None, tablabel: Any = None, regex: Any = None, **kw: Any
    ) -> None:
        if name in ("owner", "builderNames", "builderid"):
            error(f'parameter name "{name}" is reserved; choose another')
        self.name = name
        self.label = name if label is None else label
        self.tablabel = self.label if tablabel is None else tablabel
        if regex:
            try:
                self.regex = re.compile(regex)
            except re.error as wrong:
                error(f'parameter "{name}": {regex!r} is not a valid regular expression: {wrong}')
        if "value" in kw:
            error(f'parameter "{name}": use default={kw["value"]!r} instead of value=…')
        for key, wanted in _NUMBERS.items():
            if isinstance(kw.get(key), int | float):  # the form takes texts as well
                check_number(f'parameter "{name}"', key, kw[key], wanted)
        self.__dict__.update(kw)

    @property
    def fullName(self) -> str | None:
        """The name, prefixed with the names of the enclosing parameters; None if it has none."""
        if self.parentName and self.name:
            return f"{self.parentName}_{self.name}"
        return self.parentName or self.name or None

    def setParent(self, parent: Any) -> None:
        """Set the enclosing parameter, or None."""
        self.parentName = None if parent is None else parent.fullName

    def getFromKwargs(self, kwargs: Any) -> Any:
        """Return the answer from lists of values by full name. Raises ValidationError."""
        name = self.fullName
        args = listed(kwargs[name]) if name in kwargs else []
        if not args or args == [""] or (self.required and _is_blank(args)):
            args = self._without_answer()
        if self.regex is not None:
            self._check_regex(args)
        if self.maxsize is not None:
            self._check_size(args)
        try:
            answer = self.parse_from_args(args)
        except ValidationError:
            raise
        except (TypeError, ValueError, OverflowError) as wrong:
            raise ValidationError(str(wrong)) from wrong
        if answer is None:
            raise ValidationError(f"need {self.fullName}: no default provided by config")
        return answer

    def _without_answer(self) -> list[Any]:
        if self.required:
            raise ValidationError(f"'{self.label}' needs to be specified")
        if self.multiple:
            return list(listed(self.default)) if self.default else []
        # An answer left blank is none, too.
        return [self.default]

    def _check_regex(self, args: list[Any]) -> None:
        for value in args:
            if isinstance(value, str) and not matches(self.regex, value):
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


_AT_ONCE = frozenset({BaseParameter.getFromKwargs, BaseParameter.updateFromKwargs})
"""What answers at once, so that no limit of time is needed."""


class FixedParameter(BaseParameter):
    """A value that cannot be chosen."""

    type = "fixed"
    hide = True
    default = ""

    def parse_from_args(self, l: Any) -> Any:  # noqa: E741 - Buildbot's name
        return self.default


class StringParameter(BaseParameter):
    """A line of text, ``size`` characters wide.

    Args:
        size (int, characters): Width of the field.
    """

    spec_attributes: ClassVar[list[str]] = ["size"]
    type = "text"
    size = 10

    def parse_from_arg(self, s: Any) -> Any:
        return s


class TextParameter(StringParameter):
    """Several lines of text.

    Args:
        cols (int, characters): Width of the field.
        rows (int, lines): Height of the field.
    """

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
        values = listed(kwargs[self.fullName])
        value = values[0] if values else False
        return value.strip().lower() in _TRUE if isinstance(value, str) else bool(value)


class UserNameParameter(StringParameter):
    """Who starts the build, as ``Name <name@host>`` unless ``need_email=False``.

    Args:
        need_email (bool): Whether the answer must contain an e-mail address.
    """

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


class FileParameter(BaseParameter):
    """A file's text, no longer than ``maxsize``."""

    type = "file"
    maxsize = 1024 * 1024 * 10


def text_wrong(value: Any) -> str | None:
    """Return why the answer is not a text that every database can hold, None where it is one."""
    return text_error(value) if isinstance(value, str) else "must be a string"


def _is_blank(args: list[Any]) -> bool:
    return len(args) == 1 and isinstance(args[0], str) and not args[0].strip()


def listed(value: Any) -> Any:
    """Return an answer as the list that forms send."""
    if value is None:
        return [None]
    return list(value) if isinstance(value, list | tuple) else [value]
