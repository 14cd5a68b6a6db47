"""Environments of programs, as configurations write them."""

from __future__ import annotations

from collections.abc import Iterator

from buildbot._border.rendering import is_constant


def problems_of_environment(env: object) -> Iterator[str]:
    """Yield what is wrong with an ``env=``: values are strings, lists of strings, None, or what is
    rendered to such."""
    if env is None or not is_constant(env):
        if isinstance(env, dict):
            for name, value in env.items():
                yield from _problems(name, value)
        return
    if not isinstance(env, dict):
        yield f"env must be a dictionary, not {env!r}"
        return
    for name, value in env.items():
        yield from _problems(name, value)


def _problems(name: object, value: object) -> Iterator[str]:
    if isinstance(name, str):
        if not name or "=" in name or "\0" in name:
            yield f"env: {name!r} is not a valid name of a variable"
    elif is_constant(name):
        yield f"env: names of variables must be strings, not {name!r}"
    for one in value if isinstance(value, list | tuple) else [value]:
        if one is None or not is_constant(one):
            continue
        if not isinstance(one, str | bytes):
            wanted = "a string, a list of strings, or None"
            yield f"env: {name} must be {wanted}, not {one!r}{_hint(one)}"
        elif "\0" in (one if isinstance(one, str) else one.decode("latin-1")):
            yield f"env: {name} must not contain a zero byte"


def _hint(value: object) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f'; write "{value}"' if is_number else ""
