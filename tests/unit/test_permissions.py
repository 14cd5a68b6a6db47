"""Rules of who may do what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.domain.user import ANONYMOUS, User
from chargehand.resources.explaining import Asked, explained
from chargehand.resources.patterns import Matching, linear
from chargehand.resources.permissions import (
    BuilderNames,
    Concern,
    Giving,
    RoleRule,
    Rule,
    RuleBook,
    Rules,
    Verdict,
)
from chargehand.resources.policy import READ, Facts, Named
from chargehand.resources.visibility import EVERYTHING

ADMIN = User(name="adm", email="adm@x")
DEVELOPER = User(name="dev", email="dev@x", groups=("team-devs", "other"))
STRANGER = User(name="joe", email="joe@x")
_ROLES = (
    RoleRule(giving=Giving.EMAIL, role="admins", among=frozenset({"adm@x"})),
    RoleRule(giving=Giving.GROUPS, role="team-"),
    RoleRule(giving=Giving.OWNER, role="owner"),
)
_BUILDERS = (
    BuilderNames("try-1", "p", ("fast",)),
    BuilderNames("release", "p", ()),
    BuilderNames("secret-1", "", ("hidden",)),
)


def _rule(concern: Concern, role: str, **more: Any) -> Rule:
    return Rule(words=f"{concern}({role})", concern=concern, role=role, **more)


def _rules(*rules: Rule, matching: Matching = Matching.FNMATCH) -> Rules:
    return Rules(
        RuleBook(
            rules=rules, roles=_ROLES, matching=matching, builders=_BUILDERS, workers=("w1", "w2")
        )
    )


_USUAL = _rules(
    _rule(Concern.EVERYTHING, "admins", denies=False),
    _rule(Concern.FORCE, "devs", builder="try-*"),
    _rule(Concern.STOP, "owner"),
    _rule(Concern.ORDERS, "admins"),
)


def _of(*builders: str, owner: str = "") -> Facts:
    return Facts(
        things=tuple(Named(builder=name) for name in builders), owners=(owner,) if owner else ()
    )


@pytest.mark.parametrize(
    ("user", "action", "path", "facts", "may"),
    [
        (ADMIN, "force", "forceschedulers/f", _of("release"), True),
        (ADMIN, "pause", "workers/1", _of(), True),
        (DEVELOPER, "force", "forceschedulers/f", _of("try-1"), True),
        (DEVELOPER, "force", "forceschedulers/f", _of("release"), False),
        (DEVELOPER, "force", "forceschedulers/f", _of("try-1", "release"), False),
        (DEVELOPER, "pause", "workers/1", _of(), False),
        (DEVELOPER, "stop", "builds/1", _of("release", owner="dev@x"), True),
        (DEVELOPER, "stop", "builds/1", _of("release", owner="joe@x"), False),
        (DEVELOPER, "cancel", "buildrequests/1", _of("release", owner="dev@x"), True),
        (DEVELOPER, "rebuild", "builds/1", _of("try-1", owner="dev@x"), False),
        (ANONYMOUS, "stop", "builds/1", _of("release"), False),
        (ANONYMOUS, "stop", "builds/1", Facts(owners=("",)), False),
        (STRANGER, "enable", "schedulers/1", _of(), False),
    ],
)
def test_the_first_rule_that_is_about_an_order_decides(
    user: User, action: str, path: str, facts: Facts, may: bool
):
    why = _USUAL.refusal(user, action, path, facts)

    assert (why is None) is may
    if why is not None:
        assert "you need the role" in why or "log in with an account that has the role" in why


def test_an_order_that_no_rule_is_about_is_everybodys():
    rules = _rules(_rule(Concern.FORCE, "devs"))
    assert rules.refusal(ANONYMOUS, "pause", "workers/1", _of()) is None


def test_without_facts_only_what_is_certain_is_refused():
    """Pages offer what may be allowed."""
    assert _USUAL.refusal(DEVELOPER, "force", "forceschedulers/f") is None
    assert _USUAL.refusal(DEVELOPER, "stop", "builds/1") is None
    assert _USUAL.refusal(DEVELOPER, "pause", "workers/1") is not None
    assert _USUAL.refusal(ANONYMOUS, "stop", "builds/1") is not None


def test_who_may_do_everything_reads_what_is_restricted():
    assert _USUAL.refusal(ADMIN, READ, "audit") is None
    assert _USUAL.refusal(DEVELOPER, READ, "audit") is not None
    assert _rules(_rule(Concern.FORCE, "devs")).refusal(ADMIN, READ, "audit") is not None


@pytest.mark.parametrize(
    ("rule", "hidden", "workers"),
    [
        (_rule(Concern.VIEW, "devs", builder="secret-*"), {"secret-1"}, None),
        (_rule(Concern.VIEW, "devs", tag="hidden"), {"secret-1"}, None),
        (_rule(Concern.VIEW, "devs", project="p"), {"try-1", "release"}, None),
        (_rule(Concern.VIEW, "devs", project="p", builder="t*"), {"try-1"}, None),
        (_rule(Concern.VIEW, "devs"), {"try-1", "release", "secret-1"}, set()),
        (_rule(Concern.VIEW, "devs", worker="w2"), None, {"w1"}),
        (_rule(Concern.VIEW, "devs", builder="absent*"), set(), None),
    ],
)
def test_rules_for_reading_hide_things_from_others(
    rule: Rule, hidden: set[str] | None, workers: set[str] | None
):
    rules = _rules(rule)
    seen = rules.visibility(STRANGER)

    assert rules.visibility(DEVELOPER) == EVERYTHING
    for one in _BUILDERS:
        assert seen.builders.has(one.name) is (hidden is None or one.name not in hidden)
    # Of a builder that was removed nobody knows whether it matched.
    assert seen.builders.has("removed") is (hidden is None)
    for name in ("w1", "w2"):
        assert seen.workers.has(name) is (workers is None or name in workers)
    assert rules.visibility(ANONYMOUS) == seen


def test_who_may_do_everything_sees_everything():
    rules = _rules(
        _rule(Concern.EVERYTHING, "admins", denies=False), _rule(Concern.VIEW, "devs", builder="s*")
    )
    assert rules.visibility(ADMIN) == EVERYTHING
    assert not rules.visibility(STRANGER).builders.has("secret-1")


def test_a_rule_about_everything_leaves_others_nothing_to_read():
    rules = _rules(_rule(Concern.EVERYTHING, "admins"))
    assert rules.visibility(ADMIN) == EVERYTHING
    closed = rules.visibility(DEVELOPER).closed
    assert closed.startswith('only those with the role "admins" may')
    assert "log in" in closed
    assert _USUAL.visibility(STRANGER) == EVERYTHING


def test_a_rule_before_it_shows_something_all_the_same():
    rules = _rules(
        _rule(Concern.VIEW, "devs", builder="try-*"), _rule(Concern.EVERYTHING, "admins")
    )
    seen = rules.visibility(DEVELOPER)
    assert [one.name for one in _BUILDERS if seen.builders.has(one.name)] == ["try-1"]
    assert not seen.workers.has("w1")
    assert not seen.closed
    assert rules.visibility(STRANGER).closed


def test_a_pattern_of_a_regular_expression_takes_time_in_proportion():
    rules = _rules(_rule(Concern.FORCE, "devs", builder="(a+)+$"), matching=Matching.REGEX)
    assert rules.refusal(STRANGER, "force", "forceschedulers/f", _of("a" * 9_000 + "b")) is None
    with pytest.raises(ValueError, match="perl operator"):
        linear("(?=x)")


_CONCERNS = st.sampled_from([one for one in Concern if one is not Concern.VIEW])
_PATTERNS = st.none() | st.sampled_from(["*", "try-*", "release", "x"])
_ANY_RULE = st.builds(
    lambda concern, role, denies, builder: _rule(concern, role, denies=denies, builder=builder),
    _CONCERNS,
    st.sampled_from(["admins", "devs", "owner", "*", "nobody"]),
    st.booleans(),
    _PATTERNS,
)
_ORDERS = st.sampled_from(
    [
        ("force", "forceschedulers/f"),
        ("stop", "builds/1"),
        ("cancel", "buildrequests/1"),
        ("rebuild", "builds/1"),
        ("enable", "schedulers/1"),
        ("pause", "workers/1"),
    ]
)
_USERS = st.sampled_from([ADMIN, DEVELOPER, STRANGER, ANONYMOUS])


@given(st.lists(_ANY_RULE, max_size=6), _ORDERS, _USERS, st.sampled_from(["", "dev@x"]))
def test_several_builders_are_allowed_if_each_is(
    given_rules: list[Rule], order: tuple[str, str], user: User, owner: str
):
    rules = _rules(*given_rules)
    alone = [rules.refusal(user, *order, _of(name, owner=owner)) for name in ("try-1", "release")]
    together = rules.refusal(user, *order, _of("try-1", "release", owner=owner))

    assert (together is None) is all(why is None for why in alone)
    # What is refused whatever the facts are is refused with these.
    if rules.refusal(user, *order) is not None:
        assert alone[0] is not None


@given(st.lists(_ANY_RULE, max_size=6), _ORDERS, _USERS)
def test_rules_after_one_that_denies_all_do_not_count(
    given_rules: list[Rule], order: tuple[str, str], user: User
):
    last = _rule(Concern.ORDERS, "admins")
    assert _rules(*given_rules, last).refusal(user, *order, _of("x")) == _rules(
        *given_rules, last, _rule(Concern.EVERYTHING, "*"), _rule(Concern.FORCE, "nobody")
    ).refusal(user, *order, _of("x"))


def test_equal_rules_are_equal_policies():
    assert _rules(_rule(Concern.FORCE, "a")) == _rules(_rule(Concern.FORCE, "a"))
    assert _rules(_rule(Concern.FORCE, "a")) != _rules(_rule(Concern.FORCE, "b"))


_PATTERNS = st.none() | st.sampled_from(["try-1", "release", "secret-*", "*", "?elease"])
_ANY_RULES = st.lists(
    st.builds(
        _rule,
        st.sampled_from(list(Concern)),
        st.sampled_from(["admins", "devs", "qa", "*", "owner", "nobody"]),
        denies=st.booleans(),
        builder=_PATTERNS,
    ),
    max_size=6,
)
_USERS = st.sampled_from([ADMIN, DEVELOPER, STRANGER, ANONYMOUS])


@given(
    _ANY_RULES,
    _USERS,
    st.sampled_from([("forceschedulers", "force"), ("builds", "stop"), ("schedulers", "enable")]),
    st.sampled_from(_BUILDERS),
    st.sampled_from(["", "dev@x"]),
)
async def test_an_explanation_says_what_is_decided(
    rules: list[Rule], user: User, order: tuple[str, str], builder: BuilderNames, owner: str
):
    kind, action = order
    policy = _rules(*rules)
    is_of_builder = kind != "schedulers"
    facts = _of(*([builder.name] if is_of_builder else []), owner=owner)
    asked = Asked(kind=kind, action=action, builder=builder if is_of_builder else None, owner=owner)
    found = await explained(policy, user, asked)

    refusal = await policy.decision(user, action, f"{kind}/1", facts)
    assert found.is_allowed is (refusal is None)
    if refusal is not None:
        assert found.rules[-1].rule in refusal
        assert found.rules[-1].says == Verdict.REFUSES
        assert found.why.startswith(found.rules[-1].rule)


@given(_ANY_RULES, _USERS)
async def test_an_explanation_says_what_is_seen(rules: list[Rule], user: User):
    policy = _rules(*rules)
    sees = policy.visibility(user)
    for builder in _BUILDERS:
        found = await explained(policy, user, Asked(builder=builder))
        assert found.is_allowed is sees.builders.has(builder.name)
    for worker in ("w1", "w2"):
        found = await explained(policy, user, Asked(worker=worker))
        assert found.is_allowed is sees.workers.has(worker)
    assert (await explained(policy, user, Asked())).is_allowed is not bool(sees.closed)


def test_a_project_is_hidden_with_the_last_of_its_builders():
    one = _rules(_rule(Concern.VIEW, "qa", builder="try-*")).visibility(STRANGER)
    assert one.projects.has("p")
    both = _rules(_rule(Concern.VIEW, "qa", project="p")).visibility(STRANGER)
    assert not both.projects.has("p")
    assert both.builders.has("secret-1")
    assert both.projects.has("")
