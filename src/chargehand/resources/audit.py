"""The audit log. Ours; Buildbot has none."""

from __future__ import annotations

from typing import Never

from chargehand.domain.audit import AuditEntry
from chargehand.resources.entity import Entity
from chargehand.resources.field import BOOLEAN, DATETIME, INTEGER, JSON, STRING, Fields

_entry = Fields(AuditEntry)

AUDIT = Entity(
    plural="audit",
    singular="audit_entry",
    table="audit",
    fields=(
        _entry.column("auditid", INTEGER, "id", lambda entry: entry.id),
        _entry.seconds("happened_at", DATETIME, "happened_at", lambda entry: entry.happened_at),
        _entry.column("kind", STRING, "kind", lambda entry: entry.kind),
        _entry.column("action", STRING, "action", lambda entry: entry.action),
        _entry.column("path", STRING, "path", lambda entry: entry.path),
        _entry.column("user", STRING, "user_name", lambda entry: entry.user_name),
        _entry.column("origin", STRING, "origin", lambda entry: entry.origin),
        _entry.column("is_allowed", BOOLEAN, "is_allowed", lambda entry: entry.is_allowed),
        _entry.json("details", JSON, "details", lambda entry: entry.details),
        _entry.column("reason", STRING, "reason", lambda entry: entry.reason),
    ),
    collections=("audit",),
    singles=("audit/n:auditid",),
    is_at_root=False,
)

ENTITIES: tuple[Entity[Never], ...] = (AUDIT,)

RESTRICTED = frozenset({AUDIT.plural})
"""Kinds that only those read whom the policy allows to: `policy.READ` is the action."""
