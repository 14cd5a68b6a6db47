"""A change, as users' functions get to see it."""

from __future__ import annotations

from buildbot.process.build_parts import ChangeView as Change

__all__ = ["Change"]
