"""Sessions and API tokens: the stores and their fakes keep the same promises."""

from __future__ import annotations

from store_workshop import Workshop

from chargehand.domain.credentials import ApiToken, WebSession
from chargehand.domain.result import Result
from chargehand.domain.user import User
from chargehand.kit.values import replace
from chargehand.store.web_sessions import MOST_OF_ONE
from chargehand.testing.credentials import MemorySessions, MemoryTokens
from chargehand.web.ports import SessionStore, TokenStore

_ANN = User(name="ann", email="ann@example.org", groups=("qa", "ops"), details=(("x", "y"),))
_NOW = 4_000_000_000.0
"""Later than the store's clock, which deletes what is over."""
_SESSION = WebSession(
    digest="d1",
    account=_ANN,
    user_name="ann",
    method="GitHub",
    origin="192.0.2.7",
    agent="Browser",
    created_at=_NOW,
    seen_at=_NOW,
    ends_at=_NOW + 100,
)
_TOKEN = ApiToken(
    digest="t1",
    label="ci",
    account=_ANN,
    user_name="ann",
    actions=("read", "force"),
    builders=("b1",),
    created_at=_NOW,
    ends_at=_NOW + 100,
)


async def _recorded(real: Workshop | None) -> None:
    if real is not None:
        await real.store.database.recorded()


async def test_sessions_are_found_until_they_are_ended(real: Workshop | None):
    store: SessionStore = MemorySessions() if real is None else real.store.web_sessions
    first = await store.add(_SESSION)
    second = await store.add(replace(_SESSION, digest="d2"))
    other = await store.add(replace(_SESSION, digest="d3", user_name="bob"))

    assert await store.find("d1") == first
    assert await store.find("d9") is None
    assert await store.of_user("ann") == [second, first]

    store.saw(first.id, _NOW + 5)
    await _recorded(real)
    assert await store.find("d1") == replace(first, seen_at=_NOW + 5)

    await store.delete([first.id, second.id, 99])
    await store.delete([])
    assert await store.of_user("ann") == []
    assert await store.of_user("bob") == [other]


async def test_somebody_has_so_many_sessions_at_most(real: Workshop | None):
    store: SessionStore = MemorySessions() if real is None else real.store.web_sessions
    for number in range(MOST_OF_ONE + 3):
        await store.add(replace(_SESSION, digest=f"n{number}"))
    assert len(await store.of_user("ann")) == MOST_OF_ONE
    assert await store.find("n0") is None


async def test_tokens_are_found_until_they_are_revoked(real: Workshop | None):
    store: TokenStore = MemoryTokens() if real is None else real.store.api_tokens
    first = await store.add(_TOKEN)
    other = await store.add(replace(_TOKEN, digest="t2", user_name="bob"))
    build = None
    if real is not None:
        (ordered,) = (await real.submit("b1")).requests
        build = await real.start(ordered.request.id)
    build_id = 7 if build is None else build.id
    await store.add(replace(_TOKEN, digest="t3", build_id=build_id))

    assert await store.find("t1") == first
    assert await store.of_user("ann") == [first]
    assert await store.of_user(None) == [first, other]

    store.used(first.id, _NOW + 5, "192.0.2.9")
    store.describe(replace(_ANN, groups=()))
    await _recorded(real)
    found = await store.find("t1")
    assert found is not None
    assert (found.used_at, found.used_from, found.account.groups) == (_NOW + 5, "192.0.2.9", ())
    kept = await store.find("t3")
    assert kept is not None and kept.account == _ANN

    if real is not None and build is not None:
        await store.add(replace(_TOKEN, digest="t4", build_id=build_id))
        await real.store.builds.finish_build(build, Result.SUCCESS, "done", [ordered.request.id])
        assert await store.find("t4") is None  # A killed master would have left it.
    store.delete_of_build(build_id)
    await _recorded(real)
    assert await store.find("t3") is None
    await store.delete(first.id)
    assert await store.of_user(None) == [other]
