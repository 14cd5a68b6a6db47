"""Checking which errors a configuration causes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from buildbot._border.errors import ConfigErrors

__all__ = ["ConfigErrorsMixin"]


class ConfigErrorsMixin:
    """For test cases."""

    def assertConfigError(self, errors: ConfigErrors, substr_or_re: Any) -> None:
        """Check that there is exactly one error, and that it fits."""
        _check(errors, substr_or_re)

    def assertRaisesConfigError(self, substr_or_re: Any, fn: Callable[[], Any]) -> None:
        """Check that the first error that *fn* causes has that text or fits that pattern."""
        try:
            fn()
        except ConfigErrors as errors:
            _check(errors, substr_or_re)
        else:
            raise AssertionError("no configuration error was raised")


def _check(errors: ConfigErrors, wanted: Any) -> None:
    found = [str(one) for one in errors.errors]
    if len(found) != 1:
        raise AssertionError(f"expected one configuration error, not {found!r}")
    search = getattr(wanted, "search", None)
    fits = search(found[0]) if search is not None else wanted in found[0]
    if not fits:
        raise AssertionError(f"{found[0]!r} does not fit {wanted!r}")
