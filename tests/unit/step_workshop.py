"""Runs a user's steps through the engine, with everything around them in memory."""

from __future__ import annotations

import asyncio
from typing import Any

from buildbot._border.bridge import install
from buildbot.process.factory import BuildFactory
from buildbot.process.recipe import Recipe
from chargehand.testing.execution import Workshop


class StepWorkshop(Workshop):
    """A workshop whose plan is a build factory of these steps."""

    def __init__(self, *steps: Any, factory: Any = None, **keywords: Any) -> None:
        install(asyncio.get_running_loop())
        plan = Recipe(factory or BuildFactory(list(steps)), lambda: None)
        super().__init__(plan, **keywords)
