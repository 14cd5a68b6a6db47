"""What WSGI applications of ``wsgi_dashboards`` know of the master, as ``app.buildbot_api``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from buildbot.data.resultspec import ListResult
from chargehand.kit.passwords import without_passwords_in

if TYPE_CHECKING:
    from buildbot.process.access import MasterAccess

_SECONDS = 60


class DashboardApi:
    """Reads the master's data from a dashboard's thread, which waits for the answer."""

    def __init__(self, access: MasterAccess) -> None:
        self._access = access

    def dataGet(
        self,
        path: Sequence[Any] | str,
        filters: Sequence[Any] | None = None,
        fields: Sequence[str] | None = None,
        order: Sequence[str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Any:
        """Return what ``master.data.get`` does: a list of dictionaries, or one dictionary.

        Passwords in addresses are left out. *path* may be a tuple, ``("builders", 1, "builds")``,
        or a string. Raises InvalidPathError.
        """
        master = self._access.master
        loop: asyncio.AbstractEventLoop = master.reactor.chargehand_loop
        if asyncio._get_running_loop() is loop:
            raise RuntimeError("dataGet waits for the master: call it where a page is made")
        fetching = master.data.fetch(path, filters, fields, order, limit, offset)
        found = asyncio.run_coroutine_threadsafe(fetching, loop).result(_SECONDS)
        shown = without_passwords_in(found)
        if isinstance(found, ListResult):
            return ListResult(shown, found.offset, found.total, found.limit)
        return shown
