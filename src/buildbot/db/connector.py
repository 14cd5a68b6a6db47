"""What components of the database belong to: ``master.db``."""

from __future__ import annotations

from typing import Any

from buildbot.db.model import Model
from buildbot.db.pool import DBThreadPool, Find

__all__ = ["DBConnector"]


class DBConnector:
    """``pool`` runs functions with a connection in a thread, ``model`` has the tables.

    Components that a plug-in sets as attributes stay there as long as the master runs.
    """

    master: Any

    def __init__(self, database: Find) -> None:
        self.pool = DBThreadPool(database)
        self.model = Model(database)
