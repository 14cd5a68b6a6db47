"""Every path and order, tried by everybody: nobody, a user, an owner, an administrator, with tokens
that have expired or were forged, for a minute."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from test_visibility import _PAGES, PATHS, _site
from two_stores import BUILDERS, WORKERS, fill

from chargehand.domain.credentials import ApiToken, digest_of
from chargehand.domain.user import User
from chargehand.resources.permissions import (
    BuilderNames,
    Concern,
    Giving,
    RoleRule,
    Rule,
    RuleBook,
    Rules,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_SECONDS = 60.0
_HIDDEN = "b2"
_PEOPLE = {
    "user": User(name="joe", email="joe@x"),
    "owner": User(name="own", email="own@x"),
    "admin": User(name="adm", email="adm@x"),
    "limited": User(name="adm", email="adm@x"),
    "expired": User(name="adm", email="adm@x"),
}
_METHODS = ("force", "stop", "rebuild", "cancel", "enable", "pause", "kill", "set_priority", "x")
_ODD = (
    "",
    "%00",
    "../",
    "%2e%2e/",
    "?limit=-1",
    "?field=id&field=x",
    "?order=-x",
    "?%ff=1",
    "?limit=x",
)


def _rules() -> Rules:
    def rule(concern: Concern, role: str, **more: Any) -> Rule:
        return Rule(words=concern.value, concern=concern, role=role, **more)

    return Rules(
        RuleBook(
            rules=(
                rule(Concern.EVERYTHING, "admins", denies=False),
                rule(Concern.VIEW, "admins", builder=_HIDDEN),
                rule(Concern.STOP, "owner"),
                rule(Concern.ORDERS, "admins"),
            ),
            roles=(
                RoleRule(giving=Giving.EMAIL, role="admins", among=frozenset({"adm@x"})),
                RoleRule(giving=Giving.OWNER, role="owner"),
            ),
            builders=tuple(BuilderNames(name, "", ()) for name in BUILDERS),
            workers=tuple(WORKERS),
        )
    )


def _token(who: str, account: User) -> ApiToken:
    now = time.time()
    actions = ("read",) if who == "limited" else ("read", "force", "stop", "admin")
    return ApiToken(
        digest=digest_of(who),
        label=who,
        account=account,
        user_name=account.name,
        actions=actions,
        created_at=now,
        ends_at=now - 1 if who == "expired" else now + 10_000,
    )


async def test_nobody_gets_more_than_the_rules_give(tmp_path: Path):
    await fill(tmp_path)
    seen: Counter[tuple[str, int]] = Counter()
    names = re.compile(rf"\b{_HIDDEN}\b")
    choose = random.Random(17)
    async with _site(tmp_path, _rules(), list(BUILDERS), WORKERS) as site:
        for who, account in _PEOPLE.items():
            await site.store.api_tokens.add(_token(who, account))
        identities = {who: {"Authorization": f"Bearer {who}"} for who in _PEOPLE}
        identities |= {"nobody": {}, "forged": {"Authorization": "Bearer chp_made-up"}}

        async def ask(who: str) -> None:
            path = choose.choice(PATHS)
            headers = identities[who]
            if choose.random() < 0.5:
                url = choose.choice(_PAGES) if choose.random() < 0.2 else f"/api/v2{path}"
                url += choose.choice(_ODD) if choose.random() < 0.3 else ""
                said = url
                async with site.session.get(url, headers=headers) as answer:
                    text, status = await answer.text(errors="replace"), answer.status
            else:
                method = choose.choice(_METHODS)
                parameters: dict[str, Any] = choose.choice(
                    [{}, {"builderNames": [_HIDDEN]}, {"builderid": 2}, {"reason": "x"}]
                )
                url = f"/api/v2{path}"
                call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
                said = f"{url} {call}"
                ordered = len(site.controls.orders)
                async with site.session.post(url, json=call, headers=headers) as answer:
                    text, status = await answer.text(errors="replace"), answer.status
                if who not in ("admin", "owner"):
                    assert len(site.controls.orders) == ordered, (who, url, call)
            seen[who, status] += 1
            assert status not in (500, 502), (who, url, text)
            if who in ("forged", "expired"):
                assert status == 401, (who, url)
            # What they say themselves may come back to them.
            if who in ("nobody", "user", "owner") and _HIDDEN not in said:
                assert not names.search(text), (who, said, text[:2000])

        ends = asyncio.get_running_loop().time() + _SECONDS
        while asyncio.get_running_loop().time() < ends:
            for who in identities:
                await ask(who)
    assert seen["admin", 200] > 100
    assert seen["nobody", 200] > 100
    assert seen["user", 403] > 10
