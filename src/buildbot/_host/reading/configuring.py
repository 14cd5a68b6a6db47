"""Running configurators, which alter a configuration before it is read."""

from __future__ import annotations

from typing import Any

from buildbot._host.reading.section import Section
from chargehand.kit.guard import Guard


def configured(section: Section) -> bool:
    """Run the configurators in their order; return whether all of them did their work.

    One that fails ends it: what it would have added is missing in the rest of the configuration.
    """
    configurators = section.listing("configurators", "configurators")
    for configurator in configurators:
        if not callable(getattr(configurator, "configure", None)) or isinstance(configurator, type):
            section.error(
                f"{_shown(configurator)} is not a configurator: it has no method configure()",
                "configurators",
            )
        elif not _configure(section, configurator):
            return False
    return True


def _configure(section: Section, configurator: Any) -> bool:
    def report(error: Exception) -> None:
        section.failed(f"configurator {type(configurator).__name__} failed", error, "configurators")

    with Guard(report) as attempt:
        configurator.configure(section.values)
    return attempt.failure is None


def _shown(configurator: Any) -> str:
    if isinstance(configurator, type):
        return f"the class {configurator.__name__} (write {configurator.__name__}())"
    return repr(configurator)
