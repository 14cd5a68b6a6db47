"""Objects that only refer to each other are freed; what anybody refers to is left alone."""

from __future__ import annotations

import asyncio
import gc
import random
import weakref
from collections import deque

import pytest

from chargehand.kit.circles import Scope, free


class _Node:
    def __init__(self) -> None:
        self.near: list[object] = []
        self.named: dict[str, object] = {}
        self.method = self.visit
        self.function = lambda: self

    def visit(self) -> None:
        """Be a method."""


class _Final(_Node):
    def __del__(self) -> None:
        """Have a finalizer."""


def _inside(one: object) -> bool:
    kinds = (_Node, list, dict, set, tuple, deque, type(_inside), type(_Node().visit))
    is_cell = type(one).__name__ == "cell"
    is_ours = not isinstance(one, dict) or "__spec__" not in one
    return is_cell or (isinstance(one, kinds) and not isinstance(one, _Final) and is_ours)


def _graph(chance: random.Random, size: int) -> list[_Node]:
    nodes = [_Node() for _ in range(size)]
    for node in nodes:
        for other in chance.choices(nodes, k=chance.randrange(4)):
            container = chance.choice(["near", "named", "deep", "set"])
            if container == "near":
                node.near.append(other)
            elif container == "named":
                node.named[str(id(other))] = other
            elif container == "deep":
                node.near.append(({"x": [other]}, deque([other])))
            else:
                node.near.append({other})
    return nodes


def _reachable(start: list[_Node]) -> set[int]:
    found: set[int] = set()
    todo: list[object] = list(start)
    while todo:
        one = todo.pop()
        if id(one) not in found:
            found.add(id(one))
            todo.extend(other for other in gc.get_referents(one) if _inside(other))
    return found


@pytest.mark.parametrize("seed", range(25))
async def test_exactly_what_nobody_refers_to_is_freed(seed: int):
    chance = random.Random(seed)
    gc.disable()
    try:
        nodes = _graph(chance, size=chance.randrange(1, 60))
        held = chance.sample(nodes, k=chance.randrange(0, 1 + len(nodes) // 8))
        numbers = {id(node): index for index, node in enumerate(nodes)}
        kept = {numbers[one] for one in _reachable(held) if one in numbers}
        shapes = {numbers[id(node)]: (len(node.near), len(node.named)) for node in nodes}
        seen = [weakref.ref(node) for node in nodes]
        scope = Scope(roots=[*nodes], is_inside=_inside)
        nodes.clear()

        freed = await free(scope)

        left = {index for index, one in enumerate(seen) if one() is not None}
        assert left == kept
        assert {numbers[id(one)] for one in scope.roots} == kept
        assert (freed > 0) == (len(kept) < len(seen))
        for index in left:
            node = seen[index]()
            assert node is not None
            assert (len(node.near), len(node.named)) == shapes[index]
            assert node.function() is node
    finally:
        gc.enable()


async def test_what_has_a_finalizer_is_left_to_the_collector_with_all_it_refers_to():
    node, final = _Node(), _Final()
    node.near.append(final)
    final.near.append(node)
    seen = weakref.ref(node)
    scope = Scope(roots=[node], is_inside=_inside)
    del node, final

    assert await free(scope) == 0

    one = seen()
    assert one is not None
    assert len(one.near) == 1


async def test_no_more_is_looked_at_than_allowed():
    nodes = [_Node() for _ in range(2000)]
    seen = weakref.ref(nodes[0])
    scope = Scope(roots=[*nodes], is_inside=_inside)
    nodes.clear()

    assert await free(scope, most=1000) == 0
    assert seen() is not None


async def test_methods_of_classes_are_freed_with_what_they_refer_to():
    def make() -> tuple[type, weakref.ref[_Node]]:
        class Made:
            def method(self) -> object:
                return node, Made

        node = _Node()
        return Made, weakref.ref(node)

    made, seen = make()
    known = (_Node, type(_inside), property)
    descriptor = type(made.__dict__["__dict__"])

    def is_inside(one: object) -> bool:
        return one is made_once() or (
            not isinstance(one, type) and (_inside(one) or isinstance(one, (*known, descriptor)))
        )

    made_once = weakref.ref(made)
    scope = Scope(roots=[made], is_inside=is_inside)
    del made

    await free(scope)

    assert seen() is None


async def test_what_is_taken_out_while_it_is_counted_stays_whole():
    """A build that goes on takes its next step from a list that was counted already."""
    gc.disable()
    try:
        for takes_after in range(12):
            holder = _Node()
            holder.near.extend(_Node() for _ in range(700))
            scope = Scope(roots=[holder], is_inside=_inside)
            work = asyncio.create_task(_take_all(holder, takes_after))
            del holder

            await free(scope)

            for one in await work:
                assert one.function() is one
    finally:
        gc.enable()


async def _take_all(holder: _Node, takes_after: int) -> list[_Node]:
    taken = []
    for _ in range(takes_after):
        await asyncio.sleep(0)
    while holder.near:
        one = holder.near.pop()
        assert isinstance(one, _Node)
        taken.append(one)
        if not len(taken) % 100:
            await asyncio.sleep(0)
    return taken
