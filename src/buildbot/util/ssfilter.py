"""Filters of source stamps."""

from buildbot.changes.filter import SourceStampFilter

__all__ = ["SourceStampFilter"]
