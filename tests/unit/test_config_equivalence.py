"""What is defined again with the same text is the same, and what differs is not."""

from __future__ import annotations

import textwrap
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.config.equivalence import Equivalence, Identity


def define(text):
    names = {"__name__": "configuration"}
    exec(compile(textwrap.dedent(text), "<text>", "exec", dont_inherit=True), names)
    return names["x"]


SAME = {
    "a function": "def x(a, b=[1, {'c': 2}], *, d=3): return a + b",
    "a lambda in a list": "x = [lambda a: a.b, 1]",
    "a nested function": "def x():\n    def y(z): return [z for _ in range(3)]\n    return y",
    "a closure": "def make(n):\n    return lambda: n\nx = make([1])",
    "a function that calls another": "def y(): return 1\ndef x(): return y()",
    "mutual recursion": "def y(): return x()\ndef x(): return y()",
    "a class": (
        "class x:\n    a = 1\n    def f(self): return self.a\n"
        "    @property\n    def p(self): return 2"
    ),
    "an instance": "class C:\n    def __init__(self, a): self.a = a\nx = C({'b': (1, 2)})",
    "an instance with slots": "class C:\n    __slots__ = ('a',)\nx = C()\nx.a = 1",
    "a cycle": "class C: pass\nx = C()\nx.me = [x]",
    "a bound method": "class C:\n    def f(self): pass\nx = C().f",
    "a partial": "import functools\ndef f(a, b): pass\nx = functools.partial(f, 1, b=2)",
    "a pattern": "import re\nx = re.compile('a', re.I)",
    "a set of classes": "class A: pass\nclass B: pass\nx = {A, B, 1}",
    "an enum's member": "import enum\nclass E(enum.Enum):\n    A = 1\nx = [E.A.value]",
    "a dataclass": "import dataclasses\n@dataclasses.dataclass\nclass D:\n    a: int = 1\nx = D(2)",
    "what tells nothing of itself": "import threading\nx = [threading.Lock(), object()]",
    "a path": "import pathlib\nx = pathlib.Path('/a')",
    "what compare_attrs name": (
        "import itertools\n"
        "class C:\n    compare_attrs = ('a',)\n    a = 1\n"
        "    def __init__(self): self.b = id(self)\n"
        "x = C()"
    ),
}


SAME |= {
    "not a number": "x = [float('nan'), complex('nan'), lambda: float('nan')]",
    "a deque of functions": "import collections\nx = collections.deque([lambda: 1], 3)",
    "a method of a value": "x = ['abc'.startswith, frozenset('abc').__contains__]",
    "a set of functions": "x = {lambda: 1, lambda: 2}",
    "functions as keys": "def f(): pass\nx = {f: 1, 2: 3, (f, 1): 4}",
    "what operator makes": "from operator import *\nx = [attrgetter('a'), itemgetter(1)]",
    "a default dictionary": "import collections\nx = collections.defaultdict(lambda: 1, a=2)",
    "an enum of texts": "import enum\nclass E(str, enum.Enum):\n    A = 'a'\nx = {E.A: E.A}",
    "a named tuple": "import collections\nN = collections.namedtuple('N', 'a b')\nx = N(1, 2)",
    "moments": "import datetime as d\nx = [d.timedelta(1), d.datetime(2020, 1, 1), d.UTC]",
    "a logger": "import logging\nx = logging.getLogger('a')",
    "a type variable": "import typing\nT = typing.TypeVar('T')\nclass x(typing.Generic[T]): pass",
    "annotations": "def x(a: int, b: 'list[str]') -> dict[str, int]: pass",
    "a read-only view": "import types\nx = types.MappingProxyType({'a': lambda: 1})",
    "an exception": "x = ValueError('a', 1)",
    "empty slots": "class C: __slots__ = ()\nx = C()",
    "a counter": "import itertools\nx = itertools.count(3)",
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
def test_what_is_defined_anew_is_the_same(text):
    assert Equivalence().equal(define(text), define(text))


DIFFERENT = {
    "code": ("x = lambda: 1 + 1", "x = lambda: 1 - 1"),
    "a constant": ("x = lambda: 'a'", "x = lambda: 'b'"),
    "a name": ("x = lambda s: s.a", "x = lambda s: s.b"),
    "a default": ("def x(a=1): pass", "def x(a=2): pass"),
    "a keyword default": ("def x(*, a=1): pass", "def x(*, a=2): pass"),
    "a nested constant": ("def x():\n    return lambda: 1", "def x():\n    return lambda: 2"),
    "what a closure holds": (
        "def make(n):\n    return lambda: n\nx = make(1)",
        "def make(n):\n    return lambda: n\nx = make(2)",
    ),
    "a function that is called": (
        "def y(): return 1\ndef x(): return y()",
        "def y(): return 2\ndef x(): return y()",
    ),
    "a global": ("A = 1\ndef x(): return A", "A = 2\ndef x(): return A"),
    "a method": (
        "class x:\n    def f(self): return 1",
        "class x:\n    def f(self): return 2",
    ),
    "a base": ("class B: a = 1\nclass x(B): pass", "class B: a = 2\nclass x(B): pass"),
    "a class attribute": ("class x: a = 1", "class x: a = 2"),
    "a property": (
        "class x:\n    @property\n    def p(self): return 1",
        "class x:\n    @property\n    def p(self): return 2",
    ),
    "an attribute": (
        "class C: pass\nx = C()\nx.a = 1",
        "class C: pass\nx = C()\nx.a = 2",
    ),
    "one attribute more": ("class C: pass\nx = C()", "class C: pass\nx = C()\nx.a = None"),
    "an argument of a partial": (
        "import functools\nx = functools.partial(print, 1)",
        "import functools\nx = functools.partial(print, 2)",
    ),
    "a pattern": ("import re\nx = re.compile('a')", "import re\nx = re.compile('b')"),
    "a type": ("x = 1", "x = True"),
    "a kind of sequence": ("x = (1,)", "x = [1]"),
    "a key": ("x = {'a': 1}", "x = {'b': 1}"),
    "a path": ("import pathlib\nx = pathlib.Path('/a')", "import pathlib\nx = pathlib.Path('/b')"),
    "what compare_attrs name": (
        "class C:\n    compare_attrs = ['a']\nx = C()\nx.a = 1",
        "class C:\n    compare_attrs = ['a']\nx = C()\nx.a = 2",
    ),
}


DIFFERENT |= {
    "the sign of zero": ("x = lambda: 0.0", "x = lambda: -0.0"),
    "what is tried": (
        "def x():\n    try:\n        a(); b()\n    except ValueError: c()",
        "def x():\n    a()\n    try: b()\n    except ValueError: c()",
    ),
    "what is cleaned up after": (
        "def x():\n    try:\n        a(); b()\n    finally: c()",
        "def x():\n    a()\n    try: b()\n    finally: c()",
    ),
    "which attribute is got": (
        "import operator\nx = operator.attrgetter('a')",
        "import operator\nx = operator.attrgetter('b')",
    ),
    "which method is called": (
        "import operator\nx = operator.methodcaller('f', 1)",
        "import operator\nx = operator.methodcaller('f', 2)",
    ),
    "whose method it is": ("x = 'abc'.startswith", "x = 'abd'.startswith"),
    "an order": (
        "import collections\nx = collections.OrderedDict(a=1, b=2)",
        "import collections\nx = collections.OrderedDict(b=2, a=1)",
    ),
    "what a default dictionary makes": (
        "import collections\nx = collections.defaultdict(lambda: 1)",
        "import collections\nx = collections.defaultdict(lambda: 2)",
    ),
    "a limit": (
        "import collections\nx = collections.deque([1], 1)",
        "import collections\nx = collections.deque([1], 2)",
    ),
    "a place in a list": ("x = iter([1])", "x = iter([2])"),
    "what cannot be seen": ("x = (i for i in 'a')", "x = (i for i in 'b')"),
    "an annotation": ("class x:\n    a: int", "class x:\n    a: str"),
    "a function that a wrapper calls": (
        "import functools\n@functools.lru_cache\ndef x(): return 1",
        "import functools\n@functools.lru_cache\ndef x(): return 2",
    ),
    "an attribute that its equality leaves out": (
        "class C:\n    def __init__(self, n, f): self.n, self.f = n, f\n"
        "    def __eq__(self, other): return self.n == other.n\nx = C(1, lambda: 1)",
        "class C:\n    def __init__(self, n, f): self.n, self.f = n, f\n"
        "    def __eq__(self, other): return self.n == other.n\nx = C(1, lambda: 2)",
    ),
    "a key's type": ("x = {1: 'a'}", "x = {True: 'a'}"),
    "an item's type": ("x = {1}", "x = {True}"),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_what_differs_is_not_the_same(one, other):
    assert not Equivalence().equal(define(one), define(other))


def test_what_was_found_equal_while_a_difference_was_unknown_is_compared_again():
    # y and x refer to each other; y is compared first while x is still assumed to be equal.
    one = define("def y(): return x()\ndef z(): return y(), 1\nx = z")
    other = define("def y(): return x()\ndef z(): return y(), 2\nx = z")
    equivalence = Equivalence()

    assert not equivalence.equal(one, other)
    assert not equivalence.equal(one.__globals__["y"], other.__globals__["y"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def x(a=1): return a", "\n\ndef x(a=1):\n    'What it does.'\n    return a"),
        ("def x(): 'A.'; return 1, None, 2", "def x(): 'B.'; return 1, None, 2"),
        ("def x(): 'A.'; return lambda: 'A.'", "def x(): 'B.'; return lambda: 'A.'"),
        ("class x:\n    'A.'\n    def f(s): 'A.'", "class x:\n    'B.'\n    def f(s): 'B.'"),
    ],
)
def test_documentation_is_no_change(one: str, other: str):
    assert Equivalence().equal(define(one), define(other))


def test_a_list_that_contains_itself_counts_as_changed():
    one, other = define("x = []\nx.append(x)"), define("x = []\nx.append(x)")

    assert Identity(one, Equivalence()) != Identity(other, Equivalence())


_KINDS = {
    "list": st.lists(st.integers(0, 2) | st.booleans(), max_size=2),
    "tuple": st.tuples(st.integers(0, 2) | st.booleans()),
    "dict": st.dictionaries(st.sampled_from("ab"), st.integers(0, 1), max_size=2),
    "str": st.sampled_from(["", "a", "b"]),
    "int": st.integers(0, 2),
    "float": st.sampled_from([0.0, -0.0, 1.0]),
    "bytes": st.sampled_from([b"", b"a"]),
    "set": st.sets(st.integers(0, 2) | st.booleans(), max_size=2),
    "frozenset": st.frozensets(st.integers(0, 2), max_size=2),
}


@pytest.mark.parametrize("kind", _KINDS)
@given(data=st.data())
def test_kinds_of_values_are_the_same_when_value_and_attributes_are(kind, data):
    one, other = data.draw(_KINDS[kind]), data.draw(_KINDS[kind])
    attributes = data.draw(st.tuples(st.integers(0, 1), st.integers(0, 1)))
    text = f"class K({kind}):\n    def __eq__(self, other): return True\n    __hash__ = None\n"

    def made(value, attribute):
        return define(f"{text}x = K({value!r})\nx.a = {attribute}")

    same = repr(_sorted(one)) == repr(_sorted(other)) and attributes[0] == attributes[1]
    assert Equivalence().equal(made(one, attributes[0]), made(other, attributes[1])) == same


def _sorted(value):
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    return sorted(value.items()) if isinstance(value, dict) else value


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


def typed(value):
    if isinstance(value, list | tuple):
        return type(value), tuple(map(typed, value))
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    return type(value), repr(value)


@given(VALUES, VALUES)
def test_values_are_the_same_when_they_are_equal_and_of_equal_types(one, other):
    assert Equivalence().equal(one, other) == (typed(one) == typed(other))


def test_identities_that_were_found_equal_are_not_compared_again():
    class Counting(Equivalence):
        calls = 0

        def equal(self, one, other):
            self.calls += 1
            return super().equal(one, other)

    counting = Counting()
    one, other, third = (Identity([1], counting) for _ in range(3))

    assert one == other
    calls = counting.calls
    assert one == other
    assert counting.calls == calls
    assert other == third
    assert one != Identity([2], counting)
    assert one != "something else"


class Compared:
    def __init__(self, number: int) -> None:
        self.number = number


@pytest.mark.parametrize("number", [1, 2])
def test_what_was_compared_is_not_kept_alive(number: int):
    equivalence = Equivalence()
    old, new = Compared(1), Compared(number)
    gone = weakref.ref(old)
    one, other = Identity(old, Equivalence()), Identity(new, equivalence)

    with equivalence.remembering():
        assert (other == one) == (number == 1)
    for _ in range(2):
        assert (one == other) == (other == one) == (number == 1)
    del old, one

    assert gone() is None
    assert other != Identity(Compared(3), Equivalence())
