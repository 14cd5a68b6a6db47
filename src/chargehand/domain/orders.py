"""What may be wrong with an order that a person or a script gives."""

from __future__ import annotations

from collections.abc import Mapping


class InvalidParameters(Exception):
    """Parameters of an order are wrong; ``errors`` maps their names to sentences."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = dict(errors)
