"""Choosing among changes of Gerrit."""

from __future__ import annotations

from typing import Any

from buildbot.changes.filter import ChangeFilter

_EVENT = "event.type"


class GerritChangeFilter(ChangeFilter):
    """As ChangeFilter; ``eventtype…`` look at the kind of Gerrit's event, and a branch is that of
    the repository, not the ref of a patch set.

    Args:
        eventtype (str | None | list[str | None]): The type of the event, or one of a list of them,
            that passes.
        eventtype_not_eq (str | None | list[str | None]): The type of the event, or a list of them,
            that does not pass.
        eventtype_re (str | list[str] | None): Regular expression, or a list of them, that the type
            of the event matches from its start.
        eventtype_not_re (str | list[str] | None): Regular expression, or a list of them, that the
            type of the event does not match.
        eventtype_fn (Callable[[Any], Any] | None): function(eventtype) that returns whether it
            passes.
    """

    def __init__(
        self,
        eventtype: Any = None,
        eventtype_not_eq: Any = None,
        eventtype_re: Any = None,
        eventtype_not_re: Any = None,
        eventtype_fn: Any = None,
        **kwargs: Any,
    ) -> None:
        given = {
            "property_eq": eventtype,
            "property_not_eq": eventtype_not_eq,
            "property_re": eventtype_re,
            "property_not_re": eventtype_not_re,
        }
        for name, value in given.items():
            if value is not None:
                kwargs[name] = {**(kwargs.get(name) or {}), _EVENT: value}
        super().__init__(**kwargs)
        self._eventtype_fn = eventtype_fn

    def filter_change(self, change: Any) -> bool:
        """Return whether the change passes."""
        function = self._eventtype_fn
        if function is not None and not function(change.properties.getProperty(_EVENT)):
            return False
        return super().filter_change(change)
