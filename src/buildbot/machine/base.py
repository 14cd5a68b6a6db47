"""What all machines have in common."""

from __future__ import annotations

from typing import Any

from buildbot.interfaces import IMachine, implementer
from buildbot.util.service import BuildbotService
from chargehand.config.model import Component
from chargehand.kit.values import replace


@implementer(IMachine)
class Machine(BuildbotService):
    """A machine that workers name with ``machine_name``; subclasses override ``checkConfig`` and
    ``reconfigService`` with their own arguments.

    Args:
        name (str): The machine's name.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "name" in kwargs:
            args = (kwargs.pop("name"), *args)
        if args:
            self.name = args[0]
        super().__init__(*args, **kwargs)

    def checkConfig(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Say what is wrong with the arguments."""

    def _as_component(self) -> Component:
        return replace(super()._as_component(), name=f"machine {self.name}")
