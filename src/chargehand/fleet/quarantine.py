"""Workers that could not prepare builds get none for a while, longer each time."""

from __future__ import annotations

from collections.abc import Iterator

from chargehand.domain.identifiers import Timestamp
from chargehand.domain.worker import Quarantine

_FIRST_PAUSE = 10.0
_LONGEST_PAUSE = 1800.0
_LONGEST_PAUSE_OF_ALL = 60.0
"""Of a whole worker, where builders may suffer that could be built there."""


class _Failures:
    """Failures in a row, of one builder on a worker or of all, and the pause after the last."""

    def __init__(self, builder_name: str | None, longest: float) -> None:
        self._builder_name = builder_name
        self._longest = longest
        self._count = 0
        self.quarantine: Quarantine | None = None

    def add(self, reason: str, now: Timestamp) -> Quarantine | None:
        """Begin the next pause, and return it; None when one goes on."""
        if self.quarantine is not None:
            return None
        self._count += 1
        self.quarantine = Quarantine(
            builder_name=self._builder_name,
            failures=self._count,
            seconds=min(_FIRST_PAUSE * 2.0 ** (self._count - 1), self._longest),
            since=now,
            reason=reason,
        )
        return self.quarantine


class Quarantines:
    """Of one worker: its failures by builder, for the directory of one may be all that is wrong.

    When a second builder fails, and nothing has succeeded since the first did, the worker itself
    is to blame: it gets no builds at all for a while, and then one at a time until one succeeds.
    """

    def __init__(self) -> None:
        self._of_builders: dict[str, _Failures] = {}
        self._failed_lately: set[str] = set()
        self._of_all: _Failures | None = None

    def __iter__(self) -> Iterator[Quarantine]:
        """Yield those that go on, that of the whole worker first."""
        if self._of_all is not None and self._of_all.quarantine is not None:
            yield self._of_all.quarantine
        for failures in self._of_builders.values():
            if failures.quarantine is not None:
                yield failures.quarantine

    @property
    def is_on_trial(self) -> bool:
        """Whether one build is to show that the worker is well again."""
        return self._of_all is not None and self._of_all.quarantine is None

    def failed(self, builder_name: str, reason: str, now: Timestamp) -> list[Quarantine]:
        """Count a failure, and return the quarantines that begin."""
        of_builder = self._of_builders.setdefault(
            builder_name, _Failures(builder_name, _LONGEST_PAUSE)
        )
        begun = [of_builder.add(reason, now)]
        self._failed_lately.add(builder_name)
        if self._of_all is None and len(self._failed_lately) > 1:
            self._of_all = _Failures(None, _LONGEST_PAUSE_OF_ALL)
        if self._of_all is not None:
            begun.append(self._of_all.add(reason, now))
        return [one for one in begun if one is not None]

    def not_started(self, reason: str, now: Timestamp) -> list[Quarantine]:
        """Count a failed start of the worker's machine: no builder can be built there."""
        if self._of_all is None:
            self._of_all = _Failures(None, _LONGEST_PAUSE)
        begun = self._of_all.add(f"could not be started: {reason}", now)
        return [] if begun is None else [begun]

    def succeeded(self, builder_name: str) -> bool:
        """Forget the builder's failures, and those of the whole worker; return whether there were
        any."""
        had_any = self._of_builders.pop(builder_name, None) is not None or self._of_all is not None
        self._of_all = None
        self._failed_lately.clear()
        return had_any

    def end(self, quarantine: Quarantine) -> bool:
        """End a pause that has lasted long enough; False when it had ended already."""
        for failures in (self._of_all, *self._of_builders.values()):
            if failures is not None and failures.quarantine is quarantine:
                failures.quarantine = None
                return True
        return False

    def lift(self) -> bool:
        """Forget everything; return whether there was anything."""
        had_any = bool(self._of_builders) or self._of_all is not None
        self._of_builders.clear()
        self._failed_lately.clear()
        self._of_all = None
        return had_any
