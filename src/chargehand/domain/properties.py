"""Properties: named JSON values that travel with changes, requests and builds."""

from collections.abc import Mapping
from typing import Any

Property = tuple[Any, str]
"""A value that JSON can hold, and the word that says where it came from."""

PropertyMap = Mapping[str, Property]


def merged(*layers: PropertyMap) -> dict[str, Property]:
    """Return one map of all *layers*; a later layer wins."""
    result: dict[str, Property] = {}
    for layer in layers:
        result.update(layer)
    return result
