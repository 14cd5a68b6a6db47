"""All aggregates of the store over one database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chargehand.store.builders import Builders
from chargehand.store.builds import Builds
from chargehand.store.buildsets import Buildsets
from chargehand.store.change_sources import ChangeSources
from chargehand.store.changes import Changes
from chargehand.store.database import Database
from chargehand.store.logs import Logs
from chargehand.store.masters import Masters
from chargehand.store.projects import Projects
from chargehand.store.requests import Requests
from chargehand.store.resources import Resources
from chargehand.store.schedulers import Schedulers
from chargehand.store.state import State
from chargehand.store.steps import Steps
from chargehand.store.workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """One of each."""

    builders: Builders
    builds: Builds
    buildsets: Buildsets
    change_sources: ChangeSources
    changes: Changes
    logs: Logs
    masters: Masters
    projects: Projects
    requests: Requests
    resources: Resources
    schedulers: Schedulers
    state: State
    steps: Steps
    workers: Workers


def stores_of(database: Database, basedir: Path) -> Stores:
    """Return the aggregates of an open database; logs are files below *basedir*."""
    return Stores(
        builders=Builders(database=database),
        builds=Builds(database=database),
        buildsets=Buildsets(database=database),
        change_sources=ChangeSources(database=database),
        changes=Changes(database=database),
        logs=Logs(database=database, basedir=basedir),
        masters=Masters(database=database),
        projects=Projects(database=database),
        requests=Requests(database=database),
        resources=Resources(database=database),
        schedulers=Schedulers(database=database),
        state=State(database=database),
        steps=Steps(database=database),
        workers=Workers(database=database),
    )
