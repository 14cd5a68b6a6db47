"""Errors of the database and the log files, with advice."""

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
    """An operation of the store failed; the message says what to do."""


class Outage(StoreError, TemporarilyUnavailable):
    """The database is unavailable; retrying may work."""


class DatabaseUnavailable(Outage):
    """The database cannot be opened or reached."""


class CommitUnknown(Outage):
    """The connection broke during the commit; its outcome is determined later."""


class DatabaseReadOnly(Outage):
    """The database is read-only."""


class DatabaseLocked(Outage):
    """Another program has locked the database."""


class DiskFull(Outage):
    """The disk of the database is full."""


class DatabaseDamaged(StoreError):
    """The database file is damaged, or not a database."""


class Conflict(StoreError):
    """The rows violate a constraint of the database."""


class SchemaTooNew(StoreError):
    """The database was created by a newer version."""


class SchemaTooOld(StoreError):
    """The database was created by an older version, and must be upgraded."""


class SchemaForeign(StoreError):
    """The database belongs to another program."""


class LogWriteFailed(StoreError, LogFailed):
    """Appending to a log failed; earlier lines are still readable."""


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
        "another program has locked the database: close it, or stop the other master",
    ),
    "SQLITE_LOCKED": (DatabaseLocked, "another connection has locked the database"),
    "SQLITE_CANTOPEN": (
        DatabaseUnavailable,
        "the database cannot be opened: check that its directory exists and can be written to",
    ),
    "SQLITE_PROTOCOL": (DatabaseLocked, "another program has locked the database"),
    "SQLITE_NOMEM": (DatabaseUnavailable, "not enough memory for the database"),
    "SQLITE_INTERRUPT": (DatabaseUnavailable, "the database operation was interrupted"),
    "SQLITE_NOTADB": (
        DatabaseDamaged,
        "the file is not an SQLite database: check the path in db_url",
    ),
    "SQLITE_CORRUPT": (DatabaseDamaged, "the database is damaged: restore it from a backup"),
    "SQLITE_IOERR": (DatabaseUnavailable, "the disk of the database is failing or full"),
}

_AT_ANOTHERS_COMMIT = ("40001", "40P01")
"""Conflicts between transactions; an immediate retry may succeed."""

_BY_SQLSTATE: dict[str, tuple[type[StoreError], str]] = {
    "25006": (DatabaseReadOnly, "the database server refuses writes"),
    "53100": (DiskFull, "the disk of the database server is full"),
    "55P03": (DatabaseLocked, "another program holds a lock in the database"),
    "42501": (DatabaseReadOnly, "the database user lacks permissions"),
    "40001": (DatabaseLocked, "transactions keep conflicting"),
    "40P01": (DatabaseLocked, "transactions keep conflicting"),
    "57014": (DatabaseLocked, "the database server canceled a statement"),
}


def translated(error: SQLAlchemyError) -> StoreError:
    """Translate *error* for the operator of the master."""
    if isinstance(error, IntegrityError):
        return Conflict(f"a row violates a constraint of the database: {error.orig}")
    if not isinstance(error, DBAPIError):
        return StoreError(str(error))
    found = _known(error.orig)
    if found is not None:
        kind, advice = found
        return kind(f"{advice} ({error.orig})")
    if is_lost(error):
        return DatabaseUnavailable(f"cannot reach the database server: {error.orig}")
    return StoreError(f"the database rejected a statement: {error.orig}")


def is_lost(error: DBAPIError) -> bool:
    """Return whether the server is at fault, not the statement: it is down, refuses connections,
    lacks resources, or the connection broke."""
    if error.connection_invalidated:
        return True
    # SQLite also uses this class for invalid statements; recognise its outages by their codes.
    return isinstance(error, OperationalError | InterfaceError) and not hasattr(
        error.orig, "sqlite_errorcode"
    )


def is_worth_retrying(error: SQLAlchemyError) -> bool:
    """Return whether an immediate retry may succeed: after a conflict or a lost connection."""
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
