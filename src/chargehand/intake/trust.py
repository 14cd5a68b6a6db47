"""Judges changes and sources by the rules of the configuration that is in force."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from fnmatch import fnmatchcase

from chargehand.config.trust import RULES, SCHEDULERS, TrustConfig
from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import ChangeId, SourceStampId
from chargehand.domain.source_stamp import SourceStamp
from chargehand.domain.trust import FULL, Judgement, TrustLevel, lowest
from chargehand.kit.guard import contained, guarded

_log = logging.getLogger(__name__)


class TrustInForce:
    """Judges changes and sources by the configuration that is in force."""

    def __init__(self) -> None:
        self._config = TrustConfig()

    def use(self, config: TrustConfig) -> None:
        """Judge by *config* from now on; what was judged before stays so."""
        self._config = config

    @property
    def is_configured(self) -> bool:
        """Whether the configuration says anything about trust."""
        return self._config.is_configured

    def of_change(self, change: NewChange) -> Judgement:
        """Return the lower one of what its sender and the configuration say of a change."""
        said = Judgement(change.trust, change.trust_reason)
        if not self._config.rules:
            return said
        stored = Change.of(
            change, change_id=ChangeId(0), source_stamp_id=SourceStampId(0), when=change.when or 0.0
        )
        return lowest((said, self._by_rules(stored)))

    def of_stamp(self, stamp: SourceStamp) -> Judgement:
        """Return what the rules say of sources that came without a change."""
        return self.of_change(
            NewChange(
                author="",
                branch=stamp.branch,
                revision=stamp.revision,
                repository=stamp.repository,
                project=stamp.project,
                codebase=stamp.codebase,
            )
        )

    def of_scheduler(self, name: str) -> Judgement:
        """Return the most that buildsets of a scheduler have."""
        return lowest(
            Judgement(level, f"scheduler {name} ({SCHEDULERS})")
            for pattern, level in self._config.schedulers
            if fnmatchcase(name, pattern)
        )

    def of_sources(self, scheduler: str, stamps: Iterable[object]) -> Judgement:
        """Return what is known of a scheduler's sources; only stamps given by value are judged."""
        judged = (self.of_stamp(stamp) for stamp in stamps if isinstance(stamp, SourceStamp))
        return lowest((self.of_scheduler(scheduler), *judged))

    def _by_rules(self, change: Change) -> Judgement:
        """A rule that fails counts as one that trusts nobody."""
        for number, rule in enumerate(self._config.rules, 1):
            with guarded(_log, "rule %d of %s failed; not trusting the change", number, RULES):
                if not contained(rule.matches, change):
                    continue
                return Judgement(rule.level, f"rule {number} of {RULES}")
            return Judgement(TrustLevel.UNTRUSTED, f"rule {number} of {RULES} failed")
        return FULL
