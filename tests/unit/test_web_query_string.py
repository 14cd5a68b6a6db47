"""Paths and query parameters become questions."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.resources.catalog import KINDS
from chargehand.resources.endpoints import ENDPOINTS, Resolved, resolve
from chargehand.resources.query import Filter, Operator, Order, Query
from chargehand.resources.selection import select
from chargehand.resources.visibility import EVERYTHING
from chargehand.web.rest import query_string
from chargehand.web.rest.query_string import BadQuery, line_range


def parse(parameters: str, resolved: Resolved) -> Query:
    return query_string.parse(parameters, resolved, EVERYTHING)


def _builds() -> Resolved:
    found = resolve(("builds",))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("path", "kind", "scope"),
    [
        ((), "rootlinks", {}),
        (("builds", 3, "steps"), "steps", {"buildid": 3}),
        (("builders", "5"), "builders", {"builderid": 5}),
        (("builders", "a b"), "builders", {"buildername": "a b"}),
        (("builders", "x", "builds", "2"), "builds", {"buildername": "x", "build_number": 2}),
        (("workers", "w-1"), "workers", {"name": "w-1"}),
        (("builds", "1", "triggered_builds"), "triggered_builds", {"buildid": 1}),
        (
            ("steps", "1", "logs", "stdio", "raw_inline"),
            "logchunks",
            {"stepid": 1, "log_slug": "stdio"},
        ),
    ],
)
def test_a_path_names_a_kind_and_narrows_it(path: Any, kind: str, scope: Any):
    found = resolve(path)

    assert found is not None
    assert (found.endpoint.kind, found.scope) == (kind, scope)


@pytest.mark.parametrize("path", [("nope",), ("builds", "x"), ("builds", "1", ""), ("workers", "")])
def test_a_path_that_is_not_there_names_nothing(path: tuple[str, ...]):
    assert resolve(path) is None


def test_every_endpoint_is_found_by_its_own_path_and_has_known_fields():
    samples = {"n": "7", "i": "name", "s": "any name"}
    for endpoint in ENDPOINTS:
        segments = endpoint.path.split("/") if endpoint.path else []
        path = tuple(samples[part[0]] if part[1:2] == ":" else part for part in segments)

        found = resolve(path)

        assert found is not None, endpoint
        assert found.endpoint.kind == endpoint.kind
        assert found.endpoint.is_collection is endpoint.is_collection
        assert endpoint.plural in KINDS


def test_one_value_of_a_comparison_is_one_condition_and_several_of_equality_are_any_of():
    query = parse(
        "buildid__gt=1&buildid__gt=2&number=3&number=4&number__eq=5&complete__ne=TRUE", _builds()
    )

    assert query.filters == (
        Filter("buildid", Operator.GT, (1,)),
        Filter("buildid", Operator.GT, (2,)),
        Filter("number", Operator.EQ, (3, 4)),
        Filter("number", Operator.EQ, (5,)),
        Filter("complete", Operator.NE, (True,)),
    )


def test_the_first_limit_counts_and_a_negative_one_is_none():
    assert parse("limit=1&limit=2&offset=+3", _builds()).limit == 1
    assert parse("limit=-1&offset=-1", _builds()).limit is None


def test_lists_are_searched_for_elements():
    builders = resolve(("builders",))
    assert builders is not None

    assert parse("tags__contains=a&tags__contains=b&masterids__contains=3", builders).filters == (
        Filter("tags", Operator.CONTAINS, ("a", "b")),
        Filter("masterids", Operator.CONTAINS, (3,)),
    )
    with pytest.raises(BadQuery, match="invalid filter value for tags"):
        parse("tags=a", builders)


@given(st.text(max_size=60))
def test_no_query_string_does_harm(text: str):
    for resolved in (_builds(), resolve(("builds", 1)), resolve(("logs", 1, "contents"))):
        assert resolved is not None
        for reader in (parse, line_range):
            try:
                reader(text, resolved)
            except BadQuery as error:
                assert str(error)


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_path_does_harm(one: str, other: str):
    resolve((one, other))
    resolve(("builders", one, "builds", other))


_INTEGERS = [name for name, field in KINDS["builds"].types().items() if field.word == "integer"]


@given(
    filters=st.dictionaries(
        st.tuples(st.sampled_from(_INTEGERS), st.sampled_from(["eq", "ne", "in", "notin"])),
        st.lists(st.integers(-(10**17), 10**17), min_size=1, max_size=4),
        max_size=4,
    ),
    order=st.lists(st.tuples(st.sampled_from(_INTEGERS), st.booleans()), max_size=3),
    limit=st.none() | st.integers(0, 10**9),
    properties=st.lists(st.text(min_size=1).filter(lambda text: text.isprintable()), unique=True),
)
def test_what_was_asked_is_what_is_understood(
    filters: Any, order: Any, limit: int | None, properties: list[str]
):
    pairs = [
        (f"{name}__{operator}", value)
        for (name, operator), values in filters.items()
        for value in values
    ]
    pairs += [("order", f"{'-' if descending else ''}{name}") for name, descending in order]
    pairs += [("property", name) for name in properties]
    pairs += [] if limit is None else [("limit", limit)]

    query = parse(urlencode(pairs, quote_via=quote), _builds())

    assert query.filters == tuple(
        Filter(name, Operator(operator), tuple(values))
        for (name, operator), values in filters.items()
    )
    first = dict(reversed(order))
    assert query.order == tuple(Order(name, first[name]) for name in dict(order))
    assert query.limit == limit
    assert query.properties == tuple(properties)


@given(
    values=st.lists(st.none() | st.integers(-5, 5), max_size=12),
    bound=st.integers(-5, 5),
    operator=st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"]),
    limit=st.integers(0, 5),
    offset=st.integers(0, 5),
)
def test_rows_in_memory_are_selected_as_sql_would(
    values: list[int | None], bound: int, operator: str, limit: int, offset: int
):
    rows = [{"results": value} for value in values]
    query = parse(
        f"field=results&results__{operator}={bound}&order=-results&limit={limit}&offset={offset}",
        _builds(),
    )

    page = select(rows, query)

    every = select(rows, parse(f"field=results&results__{operator}={bound}", _builds()))
    assert page.total == len(every.rows)
    assert len(page.rows) == min(limit, max(0, page.total - offset))
    numbers = [row["results"] for row in page.rows if row["results"] is not None]
    assert numbers == sorted(numbers, reverse=True)


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ("recent=0", "recent must be from 1 to 50"),
        ("recent=51", "recent must be from 1 to 50"),
        ("recent=x", "invalid recent"),
        ("recent__gt=1", "unrecognized query parameter 'recent__gt'"),
    ],
)
def test_an_argument_outside_its_span_is_refused(question: str, error: str) -> None:
    found = resolve(("builders",))
    assert found is not None

    with pytest.raises(BadQuery) as raised:
        parse(question, found)

    assert str(raised.value) == error


def test_an_argument_is_no_filter() -> None:
    found = resolve(("builders", "3"))
    assert found is not None

    query = parse("recent=7&field=name", found)

    assert query.arguments == {"recent": 7}
    assert query.filters == ()
