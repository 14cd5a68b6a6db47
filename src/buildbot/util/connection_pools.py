"""`EqConnectionPool`: a pool of database connections that a reconfiguration keeps."""

from __future__ import annotations

from typing import Any

from twisted.enterprise.adbapi import ConnectionPool

__all__ = ["EqConnectionPool"]


class EqConnectionPool(ConnectionPool):
    """Twisted's ``ConnectionPool``, equal to another one with the same arguments.

    So a step to which ``master.cfg`` gives a pool is the same step after each reading of the file.

    Args:
        dbapiName (str, required): Module of the database's driver, such as ``MySQLdb`` or
            ``psycopg2``.
        connargs (Any): Further arguments, which go to the driver's ``connect()``.
        connkw (Any): The same by name; those that begin with ``cp_`` go to Twisted's pool.
    """

    def __init__(self, dbapiName: str, *connargs: Any, **connkw: Any) -> None:
        self._made_with = (dbapiName, *connargs), connkw
        make_pool: Any = super().__init__  # Twisted's method has no types.
        make_pool(dbapiName, *connargs, **connkw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EqConnectionPool) and self._made_with == other._made_with

    def __hash__(self) -> int:
        return hash(self._made_with[0])
