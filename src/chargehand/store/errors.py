"""What can be wrong with the database or the log files, and what to do about it."""

from __future__ import annotations

from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)

from chargehand.domain.outages import StorageFailed, TemporarilyUnavailable
from chargehand.logs.writer import LogFailed


class StoreError(StorageFailed):
    """The store cannot do what it was asked; the message tells what to do."""


class Outage(StoreError, TemporarilyUnavailable):
    """The database does not work at present; the same may work later."""


class DatabaseUnavailable(Outage):
    """The database cannot be opened or reached."""


class CommitUnknown(Outage):
    """The connection broke during the commit; whether it happened is found out later."""


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
    "SQLITE_FULL": (
        DiskFull,
        "the disk of the database is full: free some space; work then resumes",
    ),
    "SQLITE_BUSY": (
        DatabaseLocked,
        "another program keeps the database locked: close it, or stop the other master",
    ),
    "SQLITE_LOCKED": (DatabaseLocked, "another connection keeps the database locked"),
    "SQLITE_CANTOPEN": (
        DatabaseUnavailable,
        "the database cannot be opened: check that its directory exists and can be written to",
    ),
    "SQLITE_PROTOCOL": (DatabaseLocked, "another program keeps the database locked"),
    "SQLITE_NOMEM": (DatabaseUnavailable, "there is not enough memory for the database"),
    "SQLITE_INTERRUPT": (DatabaseUnavailable, "the database was interrupted"),
    "SQLITE_NOTADB": (DatabaseDamaged, "the file is no SQLite database: check the path in db_url"),
    "SQLITE_CORRUPT": (DatabaseDamaged, "the database is damaged: restore it from a backup"),
    "SQLITE_IOERR": (DatabaseUnavailable, "the disk of the database fails or is full"),
}

_AT_ANOTHERS_COMMIT = ("40001", "40P01")
"""Transactions that got in each other's way; the same may succeed at once."""

_BY_SQLSTATE: dict[str, tuple[type[StoreError], str]] = {
    "25006": (DatabaseReadOnly, "the database server takes no writes"),
    "53100": (DiskFull, "the disk of the database server is full"),
    "55P03": (DatabaseLocked, "another program keeps a lock in the database"),
    "42501": (DatabaseReadOnly, "the database user lacks permissions"),
    "40001": (DatabaseLocked, "other transactions keep getting in the way"),
    "40P01": (DatabaseLocked, "other transactions keep getting in the way"),
    "57014": (DatabaseLocked, "the database server canceled a statement"),
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
    if is_lost(error):
        return DatabaseUnavailable(f"the database server cannot be reached: {error.orig}")
    return StoreError(f"the database refused a statement: {error.orig}")


def is_lost(error: DBAPIError) -> bool:
    """Return whether the server, not the statement, is the matter: it is down, refuses
    connections, is short of something, or the line broke."""
    if error.connection_invalidated:
        return True
    # SQLite uses this class for wrong statements, too; its outages are known by their codes.
    return isinstance(error, OperationalError | InterfaceError) and not hasattr(
        error.orig, "sqlite_errorcode"
    )


def is_worth_retrying(error: SQLAlchemyError) -> bool:
    """Return whether the same transaction may succeed now: others were in the way, or a line."""
    if isinstance(error, IntegrityError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or _sqlstate(error.orig) in _AT_ANOTHERS_COMMIT


def _known(original: object) -> tuple[type[StoreError], str] | None:
    name = getattr(original, "sqlite_errorname", None)
    if name is not None:
        for code, found in _BY_SQLITE_CODE.items():
            if name == code or name.startswith(f"{code}_"):
                return found
    return _BY_SQLSTATE.get(_sqlstate(original) or "")


def _sqlstate(original: object) -> str | None:
    return getattr(original, "sqlstate", None)
