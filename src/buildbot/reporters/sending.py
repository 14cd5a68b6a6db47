"""Reporters that send in the background, and keep what cannot be sent yet."""

from __future__ import annotations

from typing import Any, ClassVar

from buildbot.reporters.base import ReporterBase
from buildbot.reporters.outbox import Outbox

_CLOSE_SECONDS = 5.0


class SendingReporter(ReporterBase):
    """A reporter with an outbox. Subclasses write `deliver`; ``sendMessage`` calls `send_later`.

    What is unsent when it is stopped goes to the next reporter of this name in the same master:
    that is how a reconfiguration mends a wrong address.
    """

    keeps_order: ClassVar[bool] = False
    advice: ClassVar[str] = ""
    _outbox: Outbox[Any] | None = None

    async def deliver(self, content: Any) -> None:
        """Send something now. Raises Unavailable, NotNow or Refused (of ``outbox``)."""
        raise NotImplementedError

    def send_later(self, title: str, content: Any) -> None:
        """Send something soon; *title* names it in the log."""
        if self._outbox is not None:
            self._outbox.put(title, content)

    async def _start(self) -> None:
        self._outbox = Outbox(
            owner=f'reporter "{self.name}"',
            send=self.deliver,
            advice=self.advice,
            keeps_order=self.keeps_order,
            entries=self.master.unsent.pop(self.name, ()),
        )
        await super()._start()

    async def _stop(self) -> None:
        await super()._stop()
        if self._outbox is not None:
            outbox, self._outbox = self._outbox, None
            unsent = await outbox.close(patience=_CLOSE_SECONDS)
            if unsent:
                self.master.unsent[self.name] = unsent
