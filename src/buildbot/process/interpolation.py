"""Text with properties in it: `Interpolate` and its elder, `WithProperties`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from buildbot._border.bridge import answered
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error
from buildbot._border.rendering import Renderable, render_value
from buildbot.process.rendering import Operand, secret_of

_IDENTIFIER = re.compile(r"[\w.-]*\Z")
_MISSING = object()

_NAMED = {"prop": "Property name", "kw": "Keyword", "src": "Attribute"}


class Template(msgspec.Struct, frozen=True):
    """A format string and the values to look up for it."""

    text: str
    lookups: tuple[Substitution, ...]

    async def fill(self, properties: Any, words: dict[str, Any]) -> str:
        """Return the text for these properties and keyword substitutions."""
        values = {}
        for lookup in self.lookups:
            values[lookup.key] = await lookup.value(properties, words)
        return self.text % values


class Substitution(msgspec.Struct, frozen=True):
    """One ``%(selector:name:form)s``."""

    key: str
    selector: str
    name: str
    codebase: str = ""
    form: str = ""
    present: Template | None = None
    """What stands for a value that is there (or true); None: the value itself."""
    absent: Template | None = None

    async def value(self, properties: Any, words: dict[str, Any]) -> Any:
        """Return the rendered text."""
        found = await self._found(properties, words)
        if found is not _MISSING:
            found = await render_value(found, properties)
        by_truth = self.form in ("~", "#?")
        chosen = found is not _MISSING and (bool(found) or not by_truth)
        template = self.present if chosen else self.absent
        if template is not None:
            return await template.fill(properties, words)
        if not chosen or self.form == "+" or found is None:
            return ""
        return found

    async def _found(self, properties: Any, words: dict[str, Any]) -> Any:
        match self.selector:
            case "prop":
                if properties.hasProperty(self.name):
                    return properties.getProperty(self.name)
                return _MISSING
            case "kw":
                return words.get(self.name, _MISSING)
            case "src":
                return _source_attribute(properties, self.codebase, self.name)
            case "worker":
                return _worker_information(properties, self.name)
            case _:
                return await secret_of(self.name, properties)


def _source_attribute(properties: Any, codebase: str, attribute: str) -> Any:
    build = getattr(properties, "build", None)
    if build is not None:
        stamp = build.getSourceStamp(codebase)
    else:
        stamps = getattr(properties, "sourcestamps", None) or ()
        stamp = next((s for s in stamps if _part(s, "codebase") == codebase), None)
    return _part(stamp, attribute) if stamp else _MISSING


def _worker_information(properties: Any, name: str) -> Any:
    build = getattr(properties, "build", None)
    if build is None:
        return _MISSING
    information = build.getWorkerInfo()
    return information.getProperty(name, _MISSING)


def _part(stamp: Any, attribute: str) -> Any:
    if isinstance(stamp, dict):
        return stamp.get(attribute, _MISSING)
    return getattr(stamp, attribute, _MISSING)


@lru_cache(8192)
def _parsed(text: str) -> tuple[Template, tuple[str, ...]]:
    problems: list[str] = []
    return _template(text, problems), tuple(problems)


def _template(text: str, problems: list[str]) -> Template:
    found: dict[str, Substitution] = {}
    for key in _keys(text):
        substitution = _substitution(key, problems)
        if substitution is not None:
            found[key] = substitution
    if not problems:
        _check_format(text, found)
    return Template(text, tuple(found.values()))


def _keys(text: str) -> list[str]:
    """Return the names in parentheses after percent signs, as Python's formatting finds them."""
    keys = []
    position = 0
    while (position := text.find("%", position)) >= 0:
        position += 1
        if text[position : position + 1] != "(":
            position += 1
            continue
        end = _closing(text, position)
        keys.append(text[position + 1 : end])
        position = end
    return keys


def _closing(text: str, start: int) -> int:
    depth = 0
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise ValueError(f"incomplete format key in {text!r}")


def _check_format(text: str, found: dict[str, Substitution]) -> None:
    # Any other conversion than %s (or %r) of text raises here, at the user's line.
    _ = text % dict.fromkeys(found, "")


def _substitution(key: str, problems: list[str]) -> Substitution | None:
    selector, colon, rest = key.partition(":")
    if not colon:
        problems.append(f"invalid Interpolate substitution without selector '{key}'")
        return None
    codebase = ""
    if selector == "src":
        codebase, colon, rest = rest.partition(":")
        if not colon:
            problems.append(
                f"Must specify both codebase and attribute for src Interpolation '{codebase}'"
            )
            return None
    elif selector not in ("prop", "kw", "worker", "secret"):
        problems.append(f"invalid Interpolate selector '{selector}'")
        return None
    name, _, form = rest.partition(":")
    _check_names(selector, name, codebase, problems)
    if not form:
        return Substitution(key, selector, name, codebase)
    return _with_form(key, selector, name, codebase, form, problems)


def _check_names(selector: str, name: str, codebase: str, problems: list[str]) -> None:
    if not _IDENTIFIER.match(codebase):
        problems.append(f"Codebase must be alphanumeric for src Interpolation '{codebase}'")
    if selector in _NAMED and not _IDENTIFIER.match(name):
        what = _NAMED[selector]
        problems.append(f"{what} must be alphanumeric for {selector} Interpolation '{name}'")


def _with_form(
    key: str, selector: str, name: str, codebase: str, form: str, problems: list[str]
) -> Substitution | None:
    present: Template | None = None
    absent: Template | None = None
    if form.startswith(("-", "~")):
        kind, absent = form[0], _template(form[1:], problems)
    elif form.startswith("+"):
        kind, present = "+", _template(form[1:], problems)
    elif form.startswith(("?", "#?")):
        kind = "?" if form.startswith("?") else "#?"
        delimiter, rest = form[len(kind) : len(kind) + 1], form[len(kind) + 1 :]
        parts = _split(rest, delimiter) if delimiter else None
        if parts is None:
            problems.append(
                f"invalid Interpolate ternary expression '{rest}' with delimiter '{delimiter}'"
            )
            return None
        present, absent = _template(parts[0], problems), _template(parts[1], problems)
    else:
        problems.append(f"invalid Interpolate default type '{form[0]}'")
        return None
    return Substitution(key, selector, name, codebase, kind, present, absent)


def _split(text: str, delimiter: str) -> tuple[str, str] | None:
    """Split at the first *delimiter* that is in no parentheses."""
    depth = 0
    for index, letter in enumerate(text):
        if letter == delimiter and depth == 0:
            return text[:index], text[index + 1 :]
        depth += {"(": 1, ")": -1}.get(letter, 0)
    return None


class Interpolate(Operand):
    """Text in which ``%(prop:…)s``, ``%(src:…)s``, ``%(kw:…)s`` … stand for values.

    The forms after the name are the manual's: ``:-default``, ``:~default-if-false``, ``:+if-set``,
    ``:?|if set|if not``, ``:#?|if true|if false``; they may contain substitutions themselves.
    Mistakes in the text are configuration errors at once.

    Args:
        fmtstring (str, renderable): Text with `%(prop:NAME)s`, `%(src:CODEBASE:ATTRIBUTE)s`,
            `%(kw:NAME)s`, `%(secret:NAME)s` or `%s`.
        args (Any, renderable): Values for `%s`, in their order; not together with keyword
            arguments.
        kwargs (Any, renderable): Values for `%(kw:NAME)s`.
    """

    compare_attrs = ("fmtstring", "args", "kwargs")

    def __init__(self, fmtstring: str, *args: Any, **kwargs: Any) -> None:
        self.fmtstring = fmtstring
        self.args = args
        self.kwargs = kwargs
        if args and kwargs:
            error("Interpolate takes either positional or keyword substitutions, not both.")
        self._template: Template | None = None
        if not args and isinstance(fmtstring, str):
            self._template, problems = _parsed(fmtstring)
            for problem in problems:
                error(problem)

    async def rendering(self, properties: Any) -> str:
        if self._template is not None:
            return await self._template.fill(properties, self.kwargs)
        text = await render_value(self.fmtstring, properties)
        if self.args:
            return str(text % await render_value(self.args, properties))
        return await self._of_rendered(text, properties)

    async def _of_rendered(self, text: Any, properties: Any) -> str:
        """Return a text that was rendered itself: with its substitutions, if it is a template, and
        as it is if values are in it already."""
        if isinstance(self.fmtstring, Interpolate | WithProperties) or "%(" not in str(text):
            return str(text)
        template, problems = _parsed(str(text))
        return str(text) if problems else await template.fill(properties, self.kwargs)

    def __repr__(self) -> str:
        if self.args:
            return f"Interpolate({self.fmtstring!r}, *{self.args!r})"
        if self.kwargs:
            return f"Interpolate({self.fmtstring!r}, **{self.kwargs!r})"
        return f"Interpolate({self.fmtstring!r})"


class _OldValues(dict[str, Any]):
    """Looks properties up as `WithProperties` spells them: ``name:-x``, ``:~x``, ``:+x``."""

    def __init__(self, properties: Any, extra: dict[str, Any]) -> None:
        super().__init__()
        self._properties = properties
        self._extra = extra

    def __getitem__(self, key: str) -> Any:
        name, form, other = _old_key(key)
        found = self._extra.get(name, _MISSING)
        if found is _MISSING and self._properties.hasProperty(name):
            found = self._properties.getProperty(name)
        is_there = bool(found) and found is not _MISSING if form == "~" else found is not _MISSING
        if form == "+":
            return other if is_there else ""
        if not is_there:
            if not form:
                raise KeyError(name)
            return other
        return "" if found is None else found


def _old_key(key: str) -> tuple[str, str, str]:
    match = re.match(r"(.*?):([-~+])(.*)\Z", key, re.DOTALL)
    return (match[1], match[2], match[3]) if match else (key, "", "")


class WithProperties(Renderable, ComparableMixin):
    """Text with ``%(name)s`` for properties, or ``%s`` for those named as arguments.

    Keyword arguments are functions of the properties that give further values. A property that is
    missing raises KeyError, unless the text says what to use instead. `Interpolate` is newer.

    Args:
        fmtstring (str): Text with `%(NAME)s`, or `%s` for each of args.
        args (str): Names of properties whose values replace `%s`, in their order.
        lambda_subs (Callable[[Any], Any]): function(props) for names that are not properties.
    """

    compare_attrs = ("fmtstring", "args", "lambda_subs")

    def __init__(self, fmtstring: str, *args: str, **lambda_subs: Callable[[Any], Any]) -> None:
        self.fmtstring = fmtstring
        self.args = args
        self.lambda_subs = lambda_subs
        if args and lambda_subs:
            raise ValueError(
                "WithProperties takes either positional or keyword substitutions, not both."
            )
        for name, function in lambda_subs.items():
            if not callable(function):
                raise ValueError(f'Value for lambda substitution "{name}" must be callable.')

    async def rendering(self, properties: Any) -> str:
        if self.args:
            values = _OldValues(properties, {})
            return self.fmtstring % tuple(values[name] for name in self.args)
        build = getattr(properties, "build", None) or properties
        extra = {
            name: await answered(name, function, build)
            for name, function in self.lambda_subs.items()
        }
        return self.fmtstring % _OldValues(properties, extra)
