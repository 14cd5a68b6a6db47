"""Until when certificates are valid: read without a library, from whatever a file has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from certificates import Authority
from hypothesis import given
from hypothesis import strategies as st

from chargehand_wire.certificates import out_of_date

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates") / "ours")


@pytest.mark.parametrize("days", [1, 20_000])  # with two digits for the year, and with four
def test_a_certificate_is_out_of_date_before_and_after_its_time(
    authority: Authority, days: int
) -> None:
    certificate, _ = authority.signed(f"for-{days}", days=days)
    pem = certificate.read_bytes()
    end = NOW + timedelta(days=days)
    assert out_of_date(pem, NOW + timedelta(minutes=5)) is None
    late = out_of_date(pem, end + timedelta(days=1))
    assert late is not None
    assert late.startswith(f"expired on {end:%Y-%m-}")
    early = out_of_date(pem, NOW - timedelta(days=1))
    assert early is not None
    assert early.startswith("is not valid before 20")


@given(st.data())
def test_what_is_no_certificate_is_not_complained_of(
    authority: Authority, data: st.DataObject
) -> None:
    pem = Path(authority.certificate).read_bytes()
    cut = data.draw(st.integers(0, len(pem)))
    junk = data.draw(st.binary(max_size=50))
    out_of_date(pem[:cut] + junk + pem[cut:], NOW)
    assert out_of_date(junk, NOW) is None
