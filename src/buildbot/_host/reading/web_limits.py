"""``c['www']['limits']``: what visitors may take."""

from __future__ import annotations

from buildbot._border.arguments import did_you_mean
from buildbot._host.reading.section import Section
from chargehand.config.web_limits import WebLimits

KNOWN: dict[str, str] = WebLimits.__annotations__


def read_limits(section: Section) -> WebLimits:
    """Return the limits; those that are not named are the default ones."""
    part = section.part("limits")
    if part is None:
        return WebLimits()
    found: dict[str, float] = {}
    for name, value in part.values.items():
        if (wrong := _wrong(name, value)) is not None:
            part.error(f"c['www']['limits']{wrong}", "limits", str(name))
        else:
            found[name] = value
    return WebLimits(**found)  # type: ignore[arg-type]  # each is of its field's type


def _wrong(name: object, value: object) -> str | None:
    if name not in KNOWN:
        return f' has no limit "{name}"{did_you_mean(str(name), KNOWN)}'
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return f"[{name!r}] must be a positive number, not {value!r}"
    if KNOWN[str(name)] == "int" and not isinstance(value, int):
        return f"[{name!r}] must be a whole number, not {value!r}"
    return None
