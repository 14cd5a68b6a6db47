"""Schema revisions: checking and upgrading databases."""

from __future__ import annotations

from pkgutil import iter_modules

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from chargehand.store.engine import tables
from chargehand.store.errors import SchemaForeign, SchemaTooNew, SchemaTooOld
from chargehand.store.migrations import versions

VERSION_TABLE = "chargehand_schema"
REVISIONS = tuple(
    sorted(module.name.partition("_")[0] for module in iter_modules(versions.__path__))
)
"""All revisions, oldest first; the last one is what ``tables`` describes."""
HEAD = REVISIONS[-1]

_version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))
_FOREIGN_TABLES = {"migrate_version", "alembic_version", "buildrequests", "builders"}


def revision_of(connection: Connection) -> str | None:
    """Return the database's revision; None if it has no tables.

    Raises SchemaForeign for a database with tables that are not ours.
    """
    try:
        with connection.begin_nested():
            found = connection.execute(select(_version.c.version_num)).scalar()
    except (OperationalError, ProgrammingError):
        found = None
    if found is not None:
        return str(found)
    if _FOREIGN_TABLES & set(inspect(connection).get_table_names()):
        raise SchemaForeign(
            "it has tables of another program (Buildbot?), which stay unchanged. Give the "
            "master its own database in its configuration, for example with "
            "c['db'] = {'db_url': 'sqlite:///chargehand.sqlite'}"
        )
    return None


def check(revision: str) -> None:
    """Raise SchemaTooNew or SchemaTooOld unless *revision* is ours."""
    if revision not in REVISIONS:
        raise SchemaTooNew(
            f"the database has revision {revision}, which is newer than this version supports "
            f"({HEAD}): install the version that created it, or restore a backup"
        )
    if revision != HEAD:
        raise SchemaTooOld(
            f"the database has revision {revision}, this version needs {HEAD}: "
            "run `chargehand upgrade-master` in the master's directory"
        )


def create(connection: Connection) -> None:
    """Create all tables in an empty database, and record the revision."""
    tables.metadata.create_all(connection)
    _version.create(connection)
    connection.execute(insert(_version), {"version_num": HEAD})


PLUGIN_VIEWS = "plugin_views"
"""PostgreSQL: the schema with the views that plug-ins read."""


def drop_plugin_views(connection: Connection) -> None:
    """PostgreSQL: drop the views, which keep the tables from being altered."""
    connection.execute(text(f"DROP SCHEMA IF EXISTS {PLUGIN_VIEWS} CASCADE"))


def migrate(connection: Connection) -> None:
    """Upgrade the database to the newest revision, keeping its data."""
    if connection.dialect.name == "postgresql":
        drop_plugin_views(connection)
    # Importing Alembic takes a third of a second, and is only needed after an upgrade.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "chargehand.store:migrations")
    attributes: dict[str, object] = config.attributes
    attributes["connection"] = connection
    command.upgrade(config, "head")
