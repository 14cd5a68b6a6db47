"""Saying that a configuration is wrong."""

from buildbot._border.errors import error, warn
from chargehand.config.errors import ConfigErrors

__all__ = ["ConfigErrors", "ConfigWarning", "error", "warn"]


class ConfigWarning(Warning):
    """A configuration works, and should be changed all the same."""
