"""Properties: named JSON values that travel with changes, requests and builds."""

from collections.abc import Mapping
from typing import Any

Property = tuple[Any, str]
"""A JSON value, and its source."""

PropertyMap = Mapping[str, Property]


def merged(*layers: PropertyMap) -> dict[str, Property]:
    """Merge *layers*; later layers override earlier ones."""
    result: dict[str, Property] = {}
    for layer in layers:
        result.update(layer)
    return result
