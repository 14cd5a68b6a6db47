"""Warnings about deprecated features."""

from __future__ import annotations

import warnings


class ConfigWarning(Warning):
    """Something in a configuration is likely to be wrong."""


class DeprecatedApiWarning(Warning):
    """Something is deprecated, in the words of the configuration's author."""


def warn_deprecated(version: str, msg: str, stacklevel: int = 2) -> None:
    """Warn that something is deprecated since *version*."""
    text = f"[{version} and later] {msg}"
    warnings.warn(DeprecatedApiWarning(text), stacklevel=stacklevel)
