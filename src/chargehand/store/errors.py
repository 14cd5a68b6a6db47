"""What can be wrong with the database or the log files, and what to do about it."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from chargehand.domain.outages import TemporarilyUnavailable
from chargehand.logs.writer import LogFailed


class StoreError(Exception):
    """The store cannot do what it was asked; the message tells what to do."""


class Outage(StoreError, TemporarilyUnavailable):
    """The database is out of order just now; the same may work later."""


class DatabaseUnavailable(Outage):
    """The database cannot be opened or reached."""


class DatabaseReadOnly(Outage):
    """The database may not be written to."""


class DatabaseLocked(Outage):
    """Another program keeps the database locked."""


class DiskFull(Outage):
    """There is no space left for the database."""


class DatabaseDamaged(StoreError):
    """The database file is not (or no longer) a database."""


class Conflict(StoreError):
    """The database refused rows that contradict others."""


class SchemaTooNew(StoreError):
    """The database was made by a newer version."""


class SchemaTooOld(StoreError):
    """The database was made by an older version and is to be upgraded."""


class SchemaForeign(StoreError):
    """The database belongs to another program."""


class LogWriteFailed(StoreError, LogFailed):
    """Lines could not be appended to a log; what was appended before can still be read."""


_BY_SQLITE_CODE: dict[str, tuple[type[StoreError], str]] = {
    "SQLITE_READONLY": (
        DatabaseReadOnly,
        "the database is read-only: check the owner and permissions of the file and its directory",
    ),
    "SQLITE_FULL": (DiskFull, "the disk of the database is full: make room, work goes on then"),
    "SQLITE_BUSY": (
        DatabaseLocked,
        "another program keeps the database locked: close it, or stop the other master",
    ),
    "SQLITE_LOCKED": (DatabaseLocked, "another connection keeps the database locked"),
    "SQLITE_CANTOPEN": (
        DatabaseUnavailable,
        "the database cannot be opened: check that its directory exists and can be written to",
    ),
    "SQLITE_NOTADB": (DatabaseDamaged, "the file is no SQLite database: check the path in db_url"),
    "SQLITE_CORRUPT": (DatabaseDamaged, "the database is damaged: restore it from a backup"),
    "SQLITE_IOERR": (DatabaseUnavailable, "the disk of the database fails or is full"),
}

_BY_SQLSTATE: dict[str, tuple[type[StoreError], str]] = {
    "25006": (DatabaseReadOnly, "the database server takes no writes"),
    "53100": (DiskFull, "the disk of the database server is full"),
    "55P03": (DatabaseLocked, "another program keeps a lock in the database"),
    "42501": (DatabaseReadOnly, "the database user lacks permissions"),
}


def translated(error: SQLAlchemyError) -> StoreError:
    """Return what *error* means for whoever runs the master."""
    if isinstance(error, IntegrityError):
        return Conflict(f"the database refused contradictory rows: {error.orig}")
    if not isinstance(error, DBAPIError):
        return StoreError(str(error))
    found = _known(error.orig)
    if found is not None:
        kind, advice = found
        return kind(f"{advice} ({error.orig})")
    if error.connection_invalidated:
        return DatabaseUnavailable(f"the connection to the database was lost: {error.orig}")
    return StoreError(f"the database refused a statement: {error.orig}")


def is_worth_retrying(error: SQLAlchemyError) -> bool:
    """Return whether the same transaction may succeed now: others were in the way, or a line."""
    if isinstance(error, IntegrityError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or _sqlstate(error.orig) in ("40001", "40P01")


def _known(original: object) -> tuple[type[StoreError], str] | None:
    name = getattr(original, "sqlite_errorname", None)
    if name is not None:
        for code, found in _BY_SQLITE_CODE.items():
            if name == code or name.startswith(f"{code}_"):
                return found
    return _BY_SQLSTATE.get(_sqlstate(original) or "")


def _sqlstate(original: object) -> str | None:
    return getattr(original, "sqlstate", None)
