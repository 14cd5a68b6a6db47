"""What a build's plan is told: properties merged in Buildbot's order, sources, and its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chargehand.config.model import BuilderConfig, WorkerConfig
from chargehand.config.trust import TrustConfig
from chargehand.domain.assignment import Assignment
from chargehand.domain.build import Build
from chargehand.domain.builder import VirtualBuilder
from chargehand.domain.lock import LockHolder
from chargehand.domain.properties import Property
from chargehand.execution.ports import BuildFacts, BuildSources
from chargehand.execution.rules import (
    merged_properties,
    own_properties,
    owners_of,
    virtual_builder_of,
)
from chargehand.kit.redaction import Redaction


def virtual_of(assignment: Assignment, builder: BuilderConfig) -> VirtualBuilder | None:
    """Return the virtual builder that properties of the request or of its builder name."""
    asked = assignment.requests[0].properties
    return virtual_builder_of({**builder.default_properties, **asked, **builder.properties})


def holder_of(assignment: Assignment, build: Build, virtual: VirtualBuilder | None) -> LockHolder:
    """Return what holds the locks of a build that has begun."""
    return LockHolder(
        builder_name=assignment.builder_name if virtual is None else virtual.name,
        build_id=build.id,
        build_number=build.number,
        request_id=assignment.request_id,
    )


def facts_of(
    *,
    build: Build,
    assignment: Assignment,
    builder: BuilderConfig,
    worker: WorkerConfig | None,
    master_properties: Mapping[str, Property],
    sources: BuildSources,
    redaction: Redaction,
    trust: TrustConfig,
) -> BuildFacts:
    """Return the facts of a build, with what its worker says of itself now."""
    info = assignment.session.info
    builddir = _joined(info.system, info.basedir, builder.worker_builddir)
    requests: Sequence[Mapping[str, Property]] = (
        sources.properties,
        *(pending.properties for pending in assignment.requests[1:]),
    )
    properties = merged_properties(
        master=master_properties,
        changes=[change.properties for change in sources.changes],
        requests=requests,
        builder=builder.properties,
        builder_defaults=builder.default_properties,
        worker=worker.properties if worker else {},
        worker_defaults=worker.default_properties if worker else {},
    )
    own = own_properties(
        builder_name=builder.name,
        builder_id=assignment.builder_id,
        build_number=build.number,
        worker_name=assignment.worker_name,
        basedir=info.basedir,
        builddir=builddir,
        stamps=sources.stamps,
        owners=owners_of(requests, [change.author for change in sources.changes]),
    )
    return BuildFacts(
        build=build,
        builder_name=builder.name,
        builder_config=builder,
        worker_name=assignment.worker_name,
        worker_config=worker,
        worker_info=info,
        requests=tuple(pending.request for pending in assignment.requests),
        sources=sources,
        all_stamps=(sources.stamps,),
        properties={**properties, **own},
        basedir=info.basedir,
        builddir=builddir,
        redaction=redaction,
        trust=trust,
    )


def _joined(system: str, basedir: str, builddir: str) -> str:
    separator = "\\" if system == "nt" else "/"
    return f"{basedir.rstrip(separator)}{separator}{builddir}"
