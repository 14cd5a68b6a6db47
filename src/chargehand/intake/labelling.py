"""Adding the project and the category that the configuration gives a poller's changes."""

from __future__ import annotations

import logging

from msgspec import structs

from chargehand.config.model import Hook
from chargehand.domain.change import NewChange
from chargehand.intake.rules import as_dict
from chargehand.kit.guard import guarded

_log = logging.getLogger(__name__)


async def labelled(
    change: NewChange, *, category: str | Hook | None, project: str | Hook
) -> NewChange:
    """Add project and category. A failing function of the user does not lose the change."""
    found: dict[str, object] = {"project": project, "category": category}
    for name, value in found.items():
        if callable(value):
            found[name] = None
            with guarded(_log, "the configured function for %s failed; leaving it empty", name):
                found[name] = await value(as_dict(change))
        if name == "project":
            change = structs.replace(change, project=str(found[name] or ""))
    label = found["category"]
    return structs.replace(change, category=None if label is None else str(label))
