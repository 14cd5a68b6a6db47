"""The builders of the active configuration, by name and by identifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chargehand.domain.identifiers import BuilderId
from chargehand.events.messages import BuilderChanged


class Directory:
    """Names and identifiers of builders (``scheduling.BuilderDirectory``)."""

    def __init__(self) -> None:
        self._ids: dict[str, BuilderId] = {}
        self._names: dict[BuilderId, str] = {}
        self._others: dict[BuilderId, str] = {}

    def update(self, ids: Mapping[str, BuilderId]) -> None:
        """Replace the builders."""
        self._ids = dict(ids)
        self._names = {builder_id: name for name, builder_id in ids.items()}

    def learn(self, event: BuilderChanged) -> None:
        """Note the name of a builder that need not be configured: a virtual one."""
        if not event.builder.master_ids:
            self._others[event.builder.id] = event.builder.name

    def ids(self, names: Sequence[str]) -> tuple[BuilderId, ...]:
        """Return their identifiers. Raises LookupError naming the unknown ones."""
        unknown = [name for name in names if name not in self._ids]
        if unknown:
            raise LookupError(f"there is no builder named {', '.join(map(repr, unknown))}")
        return tuple(self._ids[name] for name in names)

    def name(self, builder_id: BuilderId) -> str:
        """Return its name, or its number if it is no longer configured."""
        return self._names.get(builder_id) or self._others.get(builder_id, f"builder {builder_id}")
