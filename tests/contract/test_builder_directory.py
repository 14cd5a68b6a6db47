"""What scheduling needs to know of builders: the fake and the real one keep the same promises."""

from __future__ import annotations

import pytest

from chargehand.app.directory import Directory
from chargehand.domain.identifiers import BuilderId
from chargehand.scheduling.ports import BuilderDirectory
from chargehand.testing.scheduling_stores import MemoryBuilders


@pytest.fixture(params=["memory", "real"])
def builders(request: pytest.FixtureRequest) -> BuilderDirectory:
    if request.param == "memory":
        return MemoryBuilders(["one", "two"])
    directory = Directory()
    directory.update({"one": BuilderId(1), "two": BuilderId(2)})
    return directory


def test_identifiers_come_in_the_order_of_the_names(builders: BuilderDirectory) -> None:
    assert builders.ids(["two", "one", "two"]) == (2, 1, 2)
    assert builders.ids([]) == ()


def test_every_unknown_name_is_said(builders: BuilderDirectory) -> None:
    with pytest.raises(LookupError) as error:
        builders.ids(["one", "three", "four"])

    assert "three" in str(error.value)
    assert "four" in str(error.value)
    assert "one" not in str(error.value)
