"""Reports about workers that have been away for too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from buildbot._border.bridge import answered, outgoing
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error
from buildbot._border.making import Placed
from buildbot.interfaces import IReportGenerator, implementer
from buildbot.reporters.message import MessageFormatterMissingWorker

Row = dict[str, Any]


@implementer(IReportGenerator)
class WorkerMissingGenerator(Placed, ComparableMixin):
    """Reports workers that have been missing for longer than their ``missing_timeout``.

    Args:
        workers (str | list[str]): Workers to report: names, or "all".
        message_formatter (Any): Formatter of the text; by default
            reporters.MessageFormatterMissingWorker.
    """

    wanted_event_keys: ClassVar[Sequence[tuple[str | None, ...]]] = (("workers", None, "missing"),)
    compare_attrs: ClassVar[Any] = ("workers", "formatter")

    def __init__(self, workers: str | Sequence[str] = "all", message_formatter: Any = None) -> None:
        self.workers = workers
        self.formatter = (
            MessageFormatterMissingWorker() if message_formatter is None else message_formatter
        )

    def check(self) -> None:
        """Say what is wrong with it."""
        if self.workers != "all" and not isinstance(self.workers, list | tuple | set):
            error(
                f"{type(self).__name__}: workers must be 'all' or a list of names, "
                f"not {self.workers!r}"
            )

    def generate_name(self) -> str:
        """Return what tells it from others in the name of a reporter."""
        # Buildbot's name; for "all" it has "a+l+l".
        return f"{type(self).__name__}_workers_{'+'.join(self.workers)}"

    @outgoing
    async def generate(
        self, master: Any, reporter: Any, key: Sequence[str], worker: Row
    ) -> Row | None:
        """Return the report about a worker; None if nobody is notified."""
        if not worker.get("notify"):
            return None
        if self.workers != "all" and worker["name"] not in self.workers:
            return None
        message = await answered(
            "format_message_for_missing_worker",
            self.formatter.format_message_for_missing_worker,
            master,
            worker,
        )
        return {
            "body": message.get("body"),
            "subject": message.get("subject"),
            "type": message.get("type", "plain"),
            "results": None,
            "builder_name": None,
            "builds": None,
            "buildset": None,
            "users": list(worker["notify"]),
            "patches": None,
            "logs": None,
            "worker": worker["name"],
            "extra_info": message.get("extra_info"),
        }
