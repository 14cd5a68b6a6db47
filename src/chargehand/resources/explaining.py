"""Why somebody may do something, or not: which rule decides, and what the others say."""

from __future__ import annotations

import msgspec

from chargehand.domain.user import User
from chargehand.resources.permissions import BuilderNames, Rules, Verdict
from chargehand.resources.policy import AskingPolicy, Facts, Named, Policy


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody may want: to order something, or (``kind`` is empty) to see it."""

    kind: str = ""
    """The kind of thing: ``builds`` …"""
    action: str = ""
    builder: BuilderNames | None = None
    worker: str = ""
    owner: str = ""
    branch: str = ""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule says."""

    rule: str
    says: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Whether something is allowed, and why."""

    is_allowed: bool
    why: str
    """A sentence for people."""
    roles: tuple[str, ...] = ()
    rules: tuple[Said, ...] = ()
    """The rules up to the one that decides."""


async def explained(policy: Policy, user: User, asked: Asked) -> Explanation:
    """Return whether *user* may do what is asked about, and why."""
    if isinstance(policy, AskingPolicy):
        await policy.learn(user)
    if not isinstance(policy, Rules):
        return await _by_code(policy, user, asked)
    if not asked.kind and asked.builder is None and not asked.worker:
        return await _by_code(policy, user, asked, roles=policy.roles_of(user))
    thing = _named(asked)
    owner = asked.owner or ("" if thing is not None else user.email)
    roles = policy.roles_of(user, (owner,) if owner and asked.kind else ())
    steps = list(
        policy.steps(asked.kind, asked.action, thing, roles)
        if asked.kind
        else policy.steps_of_seeing(asked.builder, asked.worker, roles)
    )
    last = steps[-1] if steps else None
    if last is None or last.verdict in (Verdict.OTHER, Verdict.PASSES):
        why = "No rule refuses it, and what no rule refuses is allowed."
    else:
        why = f"{last.rule.words} {last.verdict}."
    return Explanation(
        is_allowed=last is None or last.verdict is not Verdict.REFUSES,
        why=why,
        roles=tuple(sorted(roles)),
        rules=tuple(Said(rule=step.rule.words, says=str(step.verdict)) for step in steps),
    )


def _named(asked: Asked) -> Named | None:
    """Return the thing, None if nothing of it was told, but it matters."""
    if asked.builder is None:
        is_of_builders = asked.kind in ("builds", "buildrequests", "forceschedulers")
        return None if is_of_builders else Named()
    branches = (asked.branch,) if asked.branch else ()
    return Named(builder=asked.builder.name, branches=branches, project=asked.builder.project)


async def _by_code(
    policy: Policy, user: User, asked: Asked, roles: frozenset[str] = frozenset()
) -> Explanation:
    """Say what a policy decides that has no rules to show."""
    given = tuple(sorted(roles))
    if asked.kind:
        things = () if asked.builder is None else (_named(asked) or Named(),)
        facts = Facts(things=things, owners=(asked.owner,) if asked.owner else ())
        refusal = await policy.decision(user, asked.action, f"{asked.kind}/0", facts)
        why = "Nothing refuses it." if refusal is None else f"{refusal[0].upper()}{refusal[1:]}."
        return Explanation(is_allowed=refusal is None, why=why, roles=given)
    sees = policy.visibility(user)
    if sees.closed:
        why = f"{sees.closed[0].upper()}{sees.closed[1:]}."
        return Explanation(is_allowed=False, why=why, roles=given)
    if asked.builder is not None:
        is_seen = sees.builders.has(asked.builder.name)
    elif asked.worker:
        is_seen = sees.workers.has(asked.worker)
    else:
        why = "Nothing is hidden." if sees.is_everything else "Some builders or workers are hidden."
        return Explanation(is_allowed=True, why=why, roles=given)
    why = "Nothing hides it." if is_seen else "It is hidden."
    return Explanation(is_allowed=is_seen, why=why, roles=given)
