"""Which steps are written in the style of Buildbot 0.8, and what to say to their authors."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from buildbot._border.origin import Origin
from buildbot._border.per_class import per_class

_HOOKS = {
    "start": "run(), which may be async and returns a result such as SUCCESS",
    "finished": "run(), which returns the result",
    "startCommand": "run() with runCommand()",
    "commandComplete": "run(), where it does this after runCommand()",
    "createSummary": "a LogLineObserver (addLogObserver), or run()",
    "evaluateCommand": "run(), which returns the result",
    "describe": "getCurrentSummary() and getResultSummary()",
    "getText": "getResultSummary()",
    "getText2": 'getResultSummary(), under "build"',
    "maybeGetText2": 'getResultSummary(), under "build"',
    "setStatus": "getResultSummary()",
    "setupEnvironment": "the argument env",
    "setupLogfiles": "the argument logfiles",
}
"""Methods that old-style steps define, and what to use instead."""

_STILL_CALLED = frozenset({"createSummary", "evaluateCommand"})
"""Those that Buildbot calls to this day, in steps that count warnings and tests."""

_USES = {
    "addFactoryArguments": "nothing: constructor arguments are remembered without it",
    "buildslave": "worker",
    "checkSlaveHasCommand": "checkWorkerHasCommand",
    "getSlaveName": "getWorkerName",
    "setBuildSlave": "setWorker",
    "slavebuilder": "workerforbuilder",
    "slavename": "workername",
    "slaveVersion": "workerVersion",
    "slaveVersionIsOlderThan": "workerVersionIsOlderThan",
    "step_status": "descriptionDone, getResultSummary(), addURL(), setStatistic()",
}
"""Attributes that old-style steps use, and what to use instead."""

_READS = frozenset({"LOAD_ATTR", "LOAD_METHOD"})


class OldUse(NamedTuple):
    """A piece of old style: what to say of it, and where it is."""

    sentence: str
    origin: Origin


def is_old_style(kind: Any) -> bool:
    """Return whether the step begins in ``start()`` and ends in ``finished()``."""
    return _is_old_style(kind)


@per_class
def _is_old_style(kind: type) -> bool:
    for user in _users(kind):
        if "run" in user.__dict__:
            return False
        if _has_method(user, "start") or _has_method(user, "finished"):
            return True
    return False


def uses_old_hooks(kind: Any) -> bool:
    """Return whether the step overrides methods that old Buildbots called, and no ``run()``."""
    return _uses_old_hooks(kind)


@per_class
def _uses_old_hooks(kind: type) -> bool:
    if is_old_style(kind):
        return True
    users = list(_users(kind))
    if any("run" in user.__dict__ for user in users):
        return False
    return any(_has_method(user, hook) for user in users for hook in _HOOKS)


def is_overridden(kind: Any, name: str) -> bool:
    """Return whether the method *name* of the step is the user's own."""
    found = _overridden(kind)
    if name not in found:
        found[name] = _is_overridden(kind, name)
    return found[name]


@per_class
def _overridden(kind: type) -> dict[str, bool]:
    return {}


def _is_overridden(kind: type, name: str) -> bool:
    owner = next((one for one in kind.__mro__ if name in one.__dict__), None)
    return owner is not None and not _is_ours(owner)


def own_run(kind: Any) -> Any:
    """Return the ``run`` of the innermost class of ours; None if there is none but BuildStep's."""
    return _own_run(kind)


@per_class
def _own_run(kind: type) -> Any:
    for one in kind.__mro__:
        if _is_ours(one) and "run" in one.__dict__:
            return None if one.__name__ == "BuildStep" else one.__dict__["run"]
    return None


def old_uses(kind: Any) -> tuple[OldUse, ...]:
    """Return what is old style in the classes of a step, each with its line."""
    return _old_uses(kind)


@per_class
def _old_uses(kind: type) -> tuple[OldUse, ...]:
    found: list[OldUse] = []
    if uses_old_hooks(kind):
        for user in _users(kind):
            found.extend(_old_methods(user))
    for user in _users(kind):
        for code in _codes(user):
            found.extend(_old_attributes(code))
    return tuple(found)


def _old_methods(user: type) -> Iterator[OldUse]:
    for name, instead in _HOOKS.items():
        code = _code_of(user.__dict__.get(name))
        if code is None or (name in _STILL_CALLED and "start" not in user.__dict__):
            continue
        yield OldUse(
            f"step {user.__name__} defines {name}(), which is called as in Buildbot 0.8; use "
            f"{instead}",
            Origin(code.co_filename, code.co_firstlineno),
        )


def _old_attributes(code: CodeType) -> Iterator[OldUse]:
    if any(name in _USES for name in code.co_names):
        for one in dis.get_instructions(code):
            if one.opname in _READS and one.argval in _USES:
                line = one.positions.lineno if one.positions is not None else None
                origin = Origin(code.co_filename, line or code.co_firstlineno)
                yield OldUse(f"{one.argval} is an old name; use {_USES[one.argval]}", origin)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _old_attributes(constant)


def _codes(user: type) -> Iterator[CodeType]:
    for value in user.__dict__.values():
        if (code := _code_of(value)) is not None:
            yield code


def _code_of(value: object) -> CodeType | None:
    function = inspect.unwrap(value) if callable(value) else value
    return function.__code__ if isinstance(function, FunctionType) else None


def _users(kind: type) -> Iterator[type]:
    """Return the classes of a step that are not ours, innermost first."""
    return (one for one in kind.__mro__ if not _is_ours(one))


def _has_method(user: type, name: str) -> bool:
    return callable(user.__dict__.get(name))


def _is_ours(kind: type) -> bool:
    return kind.__module__.startswith("buildbot.") or kind.__module__ == "builtins"
