"""Arguments that a class does not take, and those that it needs: each is an error of the
configuration, and reading goes on."""

from __future__ import annotations

import re
import sys
from ast import AST, Name, Try, parse, walk
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from types import FrameType
from typing import Any

from buildbot._border.arguments import arguments_of, no_argument
from buildbot._border.errors import MISSING, error, incomplete, is_collecting
from buildbot._border.origin import is_users_file
from chargehand.kit.guard import Guard
from chargehand.kit.regular_files import read_regular

_UNEXPECTED = re.compile(r"([\w.<>]+)\(\) got an unexpected keyword argument '(\w+)'")
_TWICE = re.compile(r"([\w.<>]+)\(\) got multiple values for argument '(\w+)'")
_MISSING = re.compile(r"([\w.<>]+)\(\) missing \d+ required [\w-]+ arguments?: (.+)")
_TOO_MANY = re.compile(
    r"([\w.<>]+)\(\) takes (?:from \d+ to )?(\d+) positional arguments? but (\d+)"
)
_CATCHING = frozenset({"TypeError", "Exception", "BaseException"})
_CONSTRUCTOR = "__init__"
_READER = "buildbot._host.reading.document"


class _Arguments:
    """The arguments of one call, corrected so that it can be made."""

    def __init__(self, kind: type, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.kind = kind
        self.args = list(args)
        self.kwargs = dict(kwargs)
        self.is_filled = False
        """Whether something that is needed was not given."""

    def correct(self, refusal: str) -> bool:
        """Make an argument fit and say what is wrong with it, if that is what Python refused."""
        owner = self.kind.__name__
        if (found := _UNEXPECTED.match(refusal)) and self._has(found[2]):
            error(no_argument(owner, found[2], arguments_of(self.kind)))
        elif (found := _TWICE.match(refusal)) and self._has(found[2]):
            error(f'{owner} got argument "{found[2]}" twice, by position and by name')
        elif found := _MISSING.match(refusal):
            return self._fill(re.findall(r"'(\w+)'", found[2]))
        elif (found := _TOO_MANY.match(refusal)) and len(self.args) >= int(found[2]):
            most = int(found[2]) - 1  # without "self"
            error(f"{owner} takes at most {most} positional arguments, not {int(found[3]) - 1}")
            del self.args[most:]
            return True
        else:
            return False
        del self.kwargs[found[2]]
        return True

    def _has(self, name: str) -> bool:
        return self.kwargs.get(name, MISSING) is not MISSING

    def _fill(self, names: Sequence[str]) -> bool:
        if not self.kwargs.keys().isdisjoint(names):
            return False  # Something in between does not hand it on.
        shown = " and ".join(f'"{name}"' for name in names)
        error(f"{self.kind.__name__} needs the argument{'s' if len(names) > 1 else ''} {shown}")
        self.kwargs.update(dict.fromkeys(names, MISSING))
        self.is_filled = True
        return True


def checked(
    check: Callable[..., Any],
    kind: type,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    finish: Callable[[Any], Any] = lambda _: None,
) -> dict[str, Any]:
    """Call a function that takes the arguments of class *kind*, such as its ``checkConfig``;
    return the keyword arguments without those it does not take. *finish* gets what it returns.

    While a configuration is read each argument that nothing takes, and each that is missing, is
    one of its errors, and the others are looked at all the same; otherwise Python's TypeError says
    which it is.
    """
    given = _Arguments(kind, args, kwargs)
    try:
        finish(check(*args, **kwargs))
    except TypeError as failure:
        if not (_is_about(failure, kind) and _is_to_be_collected(given, failure)):
            raise
        _complete(given, lambda: finish(check(*given.args, **given.kwargs)))
    return given.kwargs


def telling(init: Callable[..., None]) -> Callable[..., None]:
    """Decorate a constructor: `checked` says which arguments do not fit."""

    @wraps(init)
    def constructor(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            init(self, *args, **kwargs)
        except TypeError as failure:
            trace = failure.__traceback__
            if trace is None or trace.tb_next is not None:
                raise  # It has been called.
            given = _Arguments(type(self), args, kwargs)
            if not _is_to_be_collected(given, failure):
                raise
            if not _complete(given, lambda: init(self, *given.args, **given.kwargs)):
                incomplete(self)

    return constructor


def refuse(kind: type, name: str) -> None:
    """Say that class *kind* has no argument *name*. Outside of reading a configuration, and where
    users' code is prepared for it, TypeError is raised."""
    said = no_argument(kind.__name__, name, arguments_of(kind))
    if not is_collecting() or _is_caught():
        raise TypeError(said)
    error(said)


def tell_arguments(kind: type) -> None:
    """Decorate the constructor of a class of ours, if it has one of its own."""
    own = kind.__dict__.get(_CONSTRUCTOR)
    if own is not None and kind.__module__.startswith("buildbot.") and not _takes_all(own):
        setattr(kind, _CONSTRUCTOR, telling(own))


def _takes_all(init: Callable[..., None]) -> bool:
    """Return whether any keyword arguments fit, and none is needed."""
    parameters = [*signature(init).parameters.values()][1:]
    return any(one.kind is Parameter.VAR_KEYWORD for one in parameters) and all(
        one.kind in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL) for one in parameters
    )


def _is_about(failure: Exception, kind: type) -> bool:
    """Return whether it was a method of the class that was called wrongly."""
    if not isinstance(failure, TypeError):
        return False
    method = str(failure).partition("(")[0]
    owner, _, name = method.rpartition(".")
    return name in ("checkConfig", _CONSTRUCTOR) and any(
        base.__qualname__ == owner for base in kind.__mro__
    )


def _is_to_be_collected(given: _Arguments, failure: TypeError) -> bool:
    return is_collecting() and not _is_caught() and given.correct(str(failure))


def _complete(given: _Arguments, call: Callable[[], object]) -> bool:
    """Call until the arguments fit; return whether nothing was missing or all went well anyway."""

    def report(failure: Exception) -> None:
        if _is_about(failure, given.kind) and given.correct(str(failure)):
            return
        if not given.is_filled:
            raise failure
        finished.append(False)  # What is missing may be the cause.

    finished: list[bool] = []
    while not finished:
        with Guard(report):
            call()
            finished.append(True)
    return finished[0]


def _is_caught() -> bool:
    """Return whether users' code is prepared for a TypeError: configurations for several releases
    try what is new, and then do without it."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") != _READER:
        file = frame.f_code.co_filename
        if is_users_file(file) and _catches(Path(file), frame.f_lineno):
            return True
        frame = frame.f_back
    return False


def _catches(file: Path, line: int) -> bool:
    try:
        tree = parse(read_regular(file))
    except (OSError, SyntaxError, ValueError):
        return False
    return any(
        node.body[0].lineno <= line <= (node.body[-1].end_lineno or line)
        and any(name in _CATCHING for name in _caught(node))
        for node in walk(tree)
        if isinstance(node, Try)
    )


def _caught(node: Try) -> Iterator[str]:
    for handler in node.handlers:
        if handler.type is None:
            yield "BaseException"
        else:
            parts: Iterator[AST] = walk(handler.type)
            yield from (part.id for part in parts if isinstance(part, Name))
