"""The reference page and the server agree."""

from __future__ import annotations

from pathlib import Path

from chargehand.resources.catalog import KINDS
from chargehand.resources.endpoints import ENDPOINTS

_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rest-api.md"


def test_every_endpoint_and_field_is_in_the_reference():
    text = _PAGE.read_text()

    for endpoint in ENDPOINTS:
        assert f"- `/{endpoint.path}`" in text
    for kind in KINDS.values():
        section = text.partition(f"### {kind.plural}\n")[2].partition("### ")[0]
        for field in kind.types():
            assert f"`{field}`" in section, (kind.plural, field)
