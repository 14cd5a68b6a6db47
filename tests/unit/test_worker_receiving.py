"""Files that a worker receives in pieces."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargehand_worker.arguments import BadArguments
from chargehand_worker.receiving import download


def _order(content: bytes, **more: Any) -> dict[str, Any]:
    return {"workerdest": "sub/f", "workdir": "build", "content": content, **more}


def _files(base: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in base.rglob("*") if one.is_file()}


@settings(max_examples=30)
@given(
    first=st.binary(min_size=1, max_size=9),
    others=st.lists(st.binary(min_size=1, max_size=9), max_size=5),
    last=st.binary(max_size=9),
    data=st.data(),
)
def test_a_file_is_whole_in_whatever_order_its_middle_pieces_come(
    first: bytes, others: list[bytes], last: bytes, data: Any
) -> None:
    offsets = [len(first) + sum(map(len, others[:number])) for number in range(len(others))]
    middle = data.draw(st.permutations(list(zip(others, offsets, strict=True))))
    end = len(first) + sum(map(len, others))
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        download(base, _order(b"longer than all of it" * 9, offset=0, more=True))

        download(base, _order(first, offset=0, more=True))
        for piece, offset in middle:
            download(base, _order(piece, offset=offset, more=True))
            assert "f" not in _files(base)
        download(base, _order(last, offset=end, mode=0o640))

        assert _files(base) == {"f": b"".join([first, *others, last])}


def test_a_file_with_a_missing_piece_is_not_put_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "build" / "sub").mkdir(parents=True)
    (tmp_path / "build" / "sub" / "f").write_bytes(b"before")
    download(tmp_path, _order(b"12", offset=0, more=True))

    with pytest.raises(OSError, match="pieces of the file are missing"):
        download(tmp_path, _order(b"56", offset=4))

    assert _files(tmp_path)["f"] == b"before"


def test_pieces_that_nobody_wants_any_more_are_removed(tmp_path: Path) -> None:
    download(tmp_path, _order(b"12", offset=0, more=True))

    download(tmp_path, {"workerdest": "sub/f", "workdir": "build", "abandoned": True})
    download(tmp_path, {"workerdest": "sub/f", "workdir": "build", "abandoned": True})

    assert _files(tmp_path) == {}


@pytest.mark.parametrize("wrong", [{"offset": "1"}, {"mode": True}, {"content": "text"}])
def test_a_nonsensical_order_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadArguments):
        download(tmp_path, {**_order(b""), **wrong})
