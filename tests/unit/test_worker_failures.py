"""What a worker says about a certificate that it does not accept."""

from __future__ import annotations

import ssl

import pytest

from chargehand_worker.failures import reason


@pytest.mark.parametrize(
    ("code", "words", "advice"),
    [
        (20, "unable to get local issuer certificate", ". If your own authority signed it, "),
        (62, "Hostname mismatch, certificate is not valid for 'ci'.", ". Use a name that it "),
        (10, "certificate has expired", ""),
    ],
)
def test_the_advice_fits_what_is_wrong_with_a_certificate(code: int, words: str, advice: str):
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, words

    said = reason(error)

    assert said.startswith(f"its certificate is not valid: {words.rstrip('.')}{advice}")
    assert ".." not in said and said.endswith("worker.toml") is bool(advice)
