"""Answers that are kept for those who ask again."""

from chargehand.resources.query import Basis
from chargehand.resources.visibility import EVERYTHING
from chargehand.web.rest.answers import Answer, AnswerCache


def test_many_small_answers_take_no_more_memory_than_they_may() -> None:
    cache = AnswerCache(limit=1024 * 1024)
    basis = Basis(frozenset({"builds"}), 1)
    answer = Answer(200, "application/json", b"{}", "tag")

    for number in range(10_000):
        cache.keep((EVERYTHING, f"/builds/{number}", True), answer, basis)

    kept = [n for n in range(10_000) if cache.find((EVERYTHING, f"/builds/{n}", True), lambda _: 1)]
    assert 500 < len(kept) < 1100
    assert kept[-1] == 9_999
