"""Answers that are kept for those who ask again."""

import pytest
from web_site import visited

from chargehand.resources.query import Basis
from chargehand.resources.visibility import EVERYTHING
from chargehand.web.rest.answers import Answer, AnswerCache, accepted_age


def test_many_small_answers_take_no_more_memory_than_they_may() -> None:
    cache = AnswerCache(limit=1024 * 1024)
    basis = Basis(frozenset({"builds"}), 1)
    answer = Answer(200, "application/json", b"{}", "tag")

    for number in range(10_000):
        cache.keep((EVERYTHING, f"/builds/{number}", True), answer, basis, 0.0)

    kept = [n for n in range(10_000) if cache.find((EVERYTHING, f"/builds/{n}", True), lambda _: 1)]
    assert 500 < len(kept) < 1100
    assert kept[-1] == 9_999


def test_a_recent_answer_is_one_that_was_read_since() -> None:
    cache = AnswerCache()
    question = (EVERYTHING, "/builds", True)
    answer = Answer(200, "application/json", b"{}", "tag")

    cache.keep(question, answer, None, 10.0)

    assert cache.find(question, lambda _: True) is None
    assert cache.find_recent(question, 9.0) is answer
    assert cache.find_recent(question, 11.0) is None


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ("", 0),
        ("no-cache", 0),
        ("max-age=0", 0),
        ("max-age=1", 1),
        ("no-transform, max-age=20, min-fresh=1", 20),
        ("x-max-age=5", 0),
        ("max-age=-1", 0),
        ("max-age=99999999999", 0),
    ],
)
def test_clients_say_how_old_an_answer_may_be(sent: str, seconds: int) -> None:
    assert accepted_age(sent) == seconds


async def test_who_accepts_an_older_answer_gets_it_though_something_has_changed() -> None:
    shared = {"Cache-Control": "max-age=60"}
    async with visited() as site:
        first = await site.get("/builds", **shared)
        site.resources.rows["builds"].clear()
        site.resources.touch("builds")

        assert await site.get("/builds", **shared) == first
        assert len(site.resources.fetched) == 1

        now = await site.get("/builds")
        assert now == (200, {"builds": [], "meta": {"total": 0}})
        assert await site.get("/builds", **shared) == now


async def test_what_only_repeats_for_those_who_accept_it_is_made_anew_for_others() -> None:
    shared = {"Cache-Control": "max-age=60"}
    async with visited() as site:
        first = await site.get("/forceschedulers", **shared)
        assert first[1]["forceschedulers"]
        site.forms.clear()

        assert await site.get("/forceschedulers", **shared) == first
        assert (await site.get("/forceschedulers"))[1]["forceschedulers"] == []
