"""What is wrong with ``c['trust']`` is said, and what it says holds."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.views.engine_access import EngineAccess
from chargehand.config.errors import ConfigErrors
from chargehand.config.model import MasterConfig
from chargehand.config.trust import TrustConfig
from chargehand.domain.trust import FULL, Judgement, TrustLevel, lowest

_HEAD = """\
from buildbot.plugins import *
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local')]
c['builders'] = [util.BuilderConfig(name='b', workernames=['local'], factory=util.BuildFactory())]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['b'])]
"""


def _read(path: Path, trust: str) -> MasterConfig:
    file = path / "master.cfg"
    file.write_text(f"{_HEAD}c['trust'] = {trust}\n")
    return Reader(Document(file, path), EngineAccess()).read()


@pytest.mark.parametrize(
    ("trust", "message"),
    [
        ("3", "c['trust'] must be a dictionary, not 3"),
        ("{'change': []}", 'unknown key "change" in c[\'trust\']; did you mean "changes"?'),
        ("{'changes': 3}", "c['trust']['changes'] must be a list of pairs"),
        ("{'changes': ['untrusted']}", "c['trust']['changes'] must be a list of pairs"),
        ("{'changes': [('x', 'trusted')]}", "a rule starts with a util.ChangeFilter, not 'x'"),
        (
            "{'changes': [(util.ChangeFilter(), 'trustd')]}",
            'trust must be one of "untrusted", "reviewed", "trusted", not \'trustd\'; '
            'did you mean "trusted"?',
        ),
        ("{'workers': ['x']}", "c['trust']['workers'] must be a dictionary"),
        ("{'workers': {'untrusted': 'x'}}", "must be a list of names of workers, not 'x'"),
        ("{'secrets': {'none': ['x']}}", "c['trust']['secrets']: trust must be one of"),
        ("{'schedulers': {'force': 1}}", "c['trust']['schedulers']: trust must be one of"),
        ("{'schedulers': {1: 'trusted'}}", "c['trust']['schedulers']: 1 is not a name"),
    ],
)
def test_mistakes_are_reported_at_their_line(tmp_path: Path, trust: str, message: str) -> None:
    with pytest.raises(ConfigErrors) as raised:
        _read(tmp_path, trust)

    (found,) = raised.value.errors
    assert message in found.message
    assert found.line == 6


@pytest.mark.parametrize(
    ("trust", "message"),
    [
        (
            "{'workers': {'untrusted': ['sandbox-*']}}",
            "c['trust']['workers']: no worker is called \"sandbox-*\"",
        ),
        (
            "{'schedulers': {'try': 'reviewed'}}",
            "c['trust']['schedulers']: no scheduler is called \"try\"",
        ),
    ],
)
def test_names_that_match_nothing_are_warned_about(
    tmp_path: Path, trust: str, message: str
) -> None:
    (warning,) = _read(tmp_path, trust).warnings

    assert message in warning.message


def test_equal_rules_are_no_change_of_the_configuration(tmp_path: Path) -> None:
    trust = "{'changes': [(util.ChangeFilter(branch='main'), 'trusted')]}"

    assert _read(tmp_path, trust).trust == _read(tmp_path, trust).trust
    assert _read(tmp_path, trust).trust != _read(tmp_path, trust.replace("main", "other")).trust


_levels = st.sampled_from(TrustLevel)
_names = st.sampled_from(["a", "b", "c"])
_lists = st.dictionaries(_levels, st.lists(_names).map(tuple))


@given(_lists, _names)
def test_without_an_entry_of_its_own_a_level_has_what_the_next_lower_one_has(
    given_: dict[TrustLevel, tuple[str, ...]], name: str
) -> None:
    trust = TrustConfig(secrets=given_, workers=given_)

    for lower, level in itertools.pairwise(TrustLevel):
        if level not in given_ and level is not TrustLevel.TRUSTED:
            assert trust.may_use_secret(level, name) == trust.may_use_secret(lower, name)
            assert trust.may_use_worker(level, name) == trust.may_use_worker(lower, name)
    for level in TrustLevel:
        if level in given_:
            assert trust.may_use_secret(level, name) == (name in given_[level])
    if TrustLevel.TRUSTED not in given_:
        assert trust.may_use_secret(TrustLevel.TRUSTED, name)
        assert trust.may_use_worker(TrustLevel.TRUSTED, name)


@given(st.lists(st.builds(Judgement, _levels, st.text())))
def test_no_judgement_raises_another_one(judgements: list[Judgement]) -> None:
    found = lowest(judgements)

    assert found in judgements if judgements else found == FULL
    assert all(found.level.rank <= one.level.rank for one in judgements)
