"""The constructors of stubs: with every argument, so that an unknown one is refused."""

from __future__ import annotations

import ast

from classes import Class, Function, parameters
from reading import Argument

_OPEN_WORDS = """
    BuildbotService ClusteredBuildbotService SharedService ReporterBase HttpStatusPushBase
    SendingReporter CommitStatusPush ChangeSource ReconfigurablePollingChangeSource
    SecretProviderBase AbstractWorker AbstractLatentWorker ReconfigurableBaseScheduler Timed
    NightlyBase BaseBasicScheduler
"""
OPEN = frozenset(_OPEN_WORDS.split())
"""Classes of which users' subclasses get their arguments by ``checkConfig``: what they take is
their own."""
_ANY_MORE = frozenset({"BaseParameter"})
"""Classes that make attributes of all keyword arguments, so that subclasses take some of their
own."""
RENDERABLE = "_Renderable"


def constructor(kind: Class) -> str | None:
    """Return the stub of a class's constructor, None where the inherited one will do."""
    described = kind.all_described()
    is_own = bool(kind.taking() or kind.described) or any(
        base.node.name in OPEN for base in kind.bases
    )
    if not described or not is_own or kind.node.name in OPEN:
        return None
    positional, star = _positional(kind)
    given = [_parameter(one, described, default) for one, default in positional]
    named = {one.arg for one, _ in positional}
    rest = [
        _typed(argument, is_optional=_is_optional(kind, argument))
        for name, argument in described.items()
        if name not in named and name not in star
    ]
    words = ["self", *_in_order(given)]
    stars = dict(star)
    words += [stars.pop("*")] if "*" in stars else (["*"] if rest else [])
    words += sorted(rest, key=lambda word: word.endswith("= ..."))
    if any(base.node.name in _ANY_MORE for base in kind.mro):
        stars["**"] = "**kw: Any"
    words += [stars["**"]] if "**" in stars else []
    return f"def __init__({', '.join(words)}) -> None: ..."


def _positional(kind: Class) -> tuple[list[tuple[ast.arg, bool]], dict[str, str]]:
    """Return the parameters that may be given by position, each with whether it has a default, and
    those with stars that are described, by their stars."""
    described = kind.all_described()
    for base in kind.mro:
        for name in ("__init__", "checkConfig"):
            method = base.methods.get(name)
            if method is not None and (parameters(method) or _described_star(method, described)):
                return _arguments_of(method, described)
    return [], {}


def _described_star(method: Function, described: dict[str, Argument]) -> bool:
    stars = (method.args.vararg, method.args.kwarg)
    return any(one is not None and one.arg in described for one in stars)


def _arguments_of(
    method: Function, described: dict[str, Argument]
) -> tuple[list[tuple[ast.arg, bool]], dict[str, str]]:
    names = method.args.args[1:]
    without = len(names) - len(method.args.defaults)
    found = [(one, number >= without) for number, one in enumerate(names)]
    stars = {}
    for star, one in (("*", method.args.vararg), ("**", method.args.kwarg)):
        if one is not None and one.arg in described:
            stars[star] = f"{star}{one.arg}: {_type(described[one.arg])}"
            stars[one.arg] = ""
    return [(one, default) for one, default in found if one.arg != "shouldntBeSet"], stars


def _parameter(one: ast.arg, described: dict[str, Argument], has_default: bool) -> str:
    if one.arg in described:
        return _typed(described[one.arg], is_optional=has_default)
    annotation = ast.unparse(one.annotation) if one.annotation else "Any"
    return f"{one.arg}: {annotation}" + (" = ..." if has_default else "")


def _in_order(words: list[str]) -> list[str]:
    """Return the parameters, all with defaults once one has its own."""
    found: list[str] = []
    for word in words:
        needs = bool(found) and found[-1].endswith("= ...") and not word.endswith("= ...")
        found.append(f"{word} = ..." if needs else word)
    return found


def _is_optional(kind: Class, argument: Argument) -> bool:
    is_attribute = any(argument.name in base.attributes for base in kind.mro)
    return is_attribute or not argument.is_required


def _typed(argument: Argument, *, is_optional: bool) -> str:
    return f"{argument.name}: {_type(argument)}" + (" = ..." if is_optional else "")


def _type(argument: Argument) -> str:
    """Return the type that a call is checked against: of a list, any sequence is as good."""
    tree = ast.parse(argument.type, mode="eval")
    wider = _Wider(argument.is_renderable).visit(tree.body)
    text = ast.unparse(ast.fix_missing_locations(wider))
    return f"{text} | {RENDERABLE}" if argument.is_renderable and text != "Any" else text


class _Wider(ast.NodeTransformer):
    """Makes what a caller may pass of what a docstring says."""

    def __init__(self, is_renderable: bool) -> None:
        self._is_renderable = is_renderable

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        if name == "list":
            return _subscript("Sequence", self._item(node.slice))
        if name == "dict" and isinstance(node.slice, ast.Tuple):
            key, value = node.slice.elts
            return _subscript("Mapping", ast.Tuple([key, self._item(value)], ast.Load()))
        return node

    def _item(self, node: ast.expr) -> ast.expr:
        # Of ["make", util.Property("target")] in a variable checkers say that it has objects.
        return ast.Name("object", ast.Load()) if self._is_renderable else node


def _subscript(name: str, content: ast.expr) -> ast.Subscript:
    return ast.Subscript(ast.Name(name, ast.Load()), content, ast.Load())
