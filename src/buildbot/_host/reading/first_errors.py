"""``c['www']['first_error_rules']``: how the first error of a log is found."""

from __future__ import annotations

from buildbot._border.arguments import did_you_mean
from buildbot._host.reading.section import Section
from chargehand.logs.error_rules import DEFAULT_ERROR_RULES, ErrorRule
from chargehand.logs.searching import BadPattern, compiled

_KEY = "first_error_rules"


def read_error_rules(section: Section) -> tuple[ErrorRule, ...]:
    """Return the rules: those that are named there, and the default ones that they leave."""
    part = section.part(_KEY)
    if part is None:
        return DEFAULT_ERROR_RULES
    known = {rule.name: "" for rule in DEFAULT_ERROR_RULES}
    own = []
    for name, value in part.values.items():
        if not isinstance(name, str) or not name:
            part.error(f"c['www']['{_KEY}'] has the name {name!r}, which must be a string", _KEY)
        elif value is not None:
            own += _rule(part, name, value)
        elif name not in known:
            hint = did_you_mean(name, known)
            part.error(f"c['www']['{_KEY}'] switches off \"{name}\", an unknown rule{hint}", name)
    kept = [rule for rule in DEFAULT_ERROR_RULES if rule.name not in part.values]
    return (*own, *kept)


def _rule(part: Section, name: str, value: object) -> list[ErrorRule]:
    """Return the rule; nothing where it is wrong, which has been said."""
    where = f"c['www']['{_KEY}'][{name!r}]"
    patterns = (value,) if isinstance(value, str) else value
    if (
        not isinstance(patterns, tuple | list)
        or len(patterns) not in (1, 2)
        or not all(isinstance(one, str) and one for one in patterns)
    ):
        part.error(
            f"{where} must be a regular expression, or a pair of two "
            f"(what to find, and what lines must not match), not {value!r}",
            name,
        )
        return []
    for pattern in patterns:
        try:
            compiled(pattern)
        except BadPattern as error:
            part.error(f"{where} {error}", name)
            return []
    return [ErrorRule(name, *patterns)]
