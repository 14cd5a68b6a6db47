"""What we use of zope.interface, which has no types of its own."""

from collections.abc import Callable
from typing import Any, TypeVar

_Class = TypeVar("_Class", bound=type)
_Function = TypeVar("_Function", bound=Callable[..., Any])

class Interface:
    @classmethod
    def providedBy(cls, value: object) -> bool: ...

class Attribute:
    def __init__(self, name: str, doc: str = "") -> None: ...

def implementer(*interfaces: type) -> Callable[[_Class], _Class]: ...
def interfacemethod(function: _Function) -> _Function: ...
