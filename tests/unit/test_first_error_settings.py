"""``c['www']['first_error_rules']``: other rules, and rules that are switched off."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.views.engine_access import EngineAccess
from chargehand.config.errors import ConfigErrors
from chargehand.logs.error_rules import DEFAULT_ERROR_RULES, ErrorRule

_CONFIGURATION = """\
from buildbot.plugins import *
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local')]
c['builders'] = [util.BuilderConfig(name='b', workernames=['local'], factory=util.BuildFactory())]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['b'])]
"""


def _rules(directory: Path, rules: str) -> tuple[ErrorRule, ...]:
    path = directory / "master.cfg"
    path.write_text(f"{_CONFIGURATION}c['www'] = {{'port': 8010{rules}}}\n")
    return Reader(Document(path, directory), EngineAccess()).read().web.first_error_rules


def _without(*names: str) -> tuple[ErrorRule, ...]:
    return tuple(rule for rule in DEFAULT_ERROR_RULES if rule.name not in names)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("", DEFAULT_ERROR_RULES),
        (", 'first_error_rules': {}", DEFAULT_ERROR_RULES),
        (
            ", 'first_error_rules': {'ours': '^FROB'}",
            (ErrorRule("ours", "^FROB"), *DEFAULT_ERROR_RULES),
        ),
        (
            ", 'first_error_rules': {'ours': ('^FROB', 'FROB 0')}",
            (ErrorRule("ours", "^FROB", "FROB 0"), *DEFAULT_ERROR_RULES),
        ),
        (
            ", 'first_error_rules': {'python': None, 'make': '^make: '}",
            (ErrorRule("make", "^make: "), *_without("python", "make")),
        ),
    ],
)
def test_rules_are_added_replaced_and_switched_off(
    tmp_path: Path, rules: str, expected: tuple[ErrorRule, ...]
):
    assert _rules(tmp_path, rules) == expected


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("{'pyton': None}", 'switches off "pyton", an unknown rule; did you mean "python"?'),
        ("{'ours': 'a(b'}", "['ours'] missing ): a(b (at position 0)"),
        ("{'ours': ('a', '*')}", "['ours'] no argument for repetition operator: *"),
        ("{'ours': 7}", "['ours'] must be a regular expression, or a pair of two"),
        ("{'ours': ''}", "['ours'] must be a regular expression, or a pair of two"),
        ("{7: 'x'}", "has the name 7, which must be a string"),
        ("['x']", "must be a dictionary"),
    ],
)
def test_a_wrong_rule_is_an_error_that_says_what_to_write(tmp_path: Path, rules: str, message: str):
    with pytest.raises(ConfigErrors) as caught:
        _rules(tmp_path, f", 'first_error_rules': {rules}")

    assert message in str(caught.value)
    assert "master.cfg:6" in str(caught.value)
