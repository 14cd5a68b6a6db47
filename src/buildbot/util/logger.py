"""Twisted's logger, under the name that plug-ins import it by."""

from twisted.logger import Logger

__all__ = ["Logger"]
