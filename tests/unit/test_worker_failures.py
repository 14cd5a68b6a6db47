"""What a worker says when it cannot connect, and of settings that cannot be right."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from chargehand_wire.websocket import ClientSocket, Refused, SpeaksNoHttp
from chargehand_worker.failures import reason
from chargehand_worker.settings import BadSettings, WorkerSettings
from chargehand_worker.tls import BadFile, tls_context

HERE = {"master": "https://ci.example.org", "name": "arm-7", "password": "open sesame"}


@pytest.mark.parametrize(
    ("code", "words", "advice"),
    [
        (20, "unable to get local issuer certificate", ". If your own authority signed it, "),
        (62, "Hostname mismatch, certificate is not valid for 'ci'.", ". Use a name that it "),
        (9, "certificate is not yet valid", ". This machine's clock says 20"),
        (10, "certificate has expired", ". This machine's clock says 20"),
        (24, "invalid CA certificate", ""),
    ],
)
def test_the_advice_fits_what_is_wrong_with_a_certificate(code: int, words: str, advice: str):
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, words

    said = reason(error)

    assert said.startswith(f"its certificate is not valid: {words.rstrip('.')}{advice}")
    assert ".." not in said and said.endswith(("worker.toml", "UTC")) is bool(advice)


def test_a_server_without_tls_is_told_from_one_that_refuses():
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer_in_clear, args=(server,)).start()
        with (
            socket.create_connection(server.getsockname()) as connection,
            pytest.raises(ssl.SSLError) as raised,
        ):
            ssl.create_default_context().wrap_socket(connection, server_hostname="ci")

    assert reason(raised.value).startswith("it does not speak TLS there")


def _answer_in_clear(server: socket.socket) -> None:
    with server.accept()[0] as connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    ("status", "text", "kind", "told"),
    [
        (403, "the name is unknown", "text/plain; charset=utf-8", "the name is unknown"),
        (502, "<!doctype html>\n<p>no", "text/html", "it answered with HTTP status 502"),
        (502, "one\ntwo", "text/plain", "it answered with HTTP status 502"),
        (
            *(404, "", "text/plain"),
            "it answered with HTTP status 404: no master takes workers there. "
            "Check the address, and its path",
        ),
        (
            *(200, "<!doctype html>", "text/html"),
            "it answered with HTTP status 200: no master takes workers there. "
            "Check the address, and its path",
        ),
    ],
)
def test_only_sentences_are_repeated(status: int, text: str, kind: str, told: str):
    assert reason(Refused(status, text, {"content-type": kind})) == told


@pytest.mark.parametrize("text", ["", "Redirecting"])
def test_who_is_sent_elsewhere_is_told_where_the_master_is(text: str):
    headers = {"content-type": "text/plain", "location": "https://ci.example.org/ci/worker/v1"}

    assert reason(Refused(301, text, headers)) == (
        "it answered with HTTP status 301: the master's address is https://ci.example.org/ci"
    )


def test_who_connects_to_a_port_for_stock_workers_is_told_where_to_connect():
    greeting = b"\x04\x82none\x02\x82pb"

    with pytest.raises(SpeaksNoHttp) as raised:
        ClientSocket(host="ci:9990", path="/worker/v1", headers={}).receive(greeting)

    assert reason(raised.value) == (
        "the server there does not speak HTTP. Give the address of the master's web server, not a "
        "port for stock workers"
    )


def test_files_of_tls_that_cannot_be_used_are_named(tmp_path: Path):
    empty = tmp_path / "empty.pem"
    empty.touch()

    def wrong(**files: str) -> str:
        with pytest.raises(BadFile) as raised:
            tls_context(WorkerSettings(**HERE, **files))
        return reason(raised.value)

    assert wrong(ca_file="/none") == 'ca_file "/none" cannot be used: No such file or directory'
    assert wrong(ca_file=str(empty)) == (
        f'ca_file "{empty}" cannot be used: no certificate or crl found'
    )
    assert wrong(certificate="/none", key="/k") == (
        'certificate "/none" with key "/k" cannot be used: No such file or directory'
    )


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"master": "htp://ci"}, "not a master's address"),
        ({"name": ""}, "name must be"),
        ({"name": "a\nb"}, "name must be"),
        ({"password": ""}, "password must not be empty"),
        ({"maxretries": -1}, "maxretries must be"),
        ({"numcpus": 0}, "numcpus must be"),
        ({"spool": -1}, "spool must be"),
        ({"keepalive": 0}, "keepalive, maxdelay and patience"),
        ({"patience": float("nan")}, "keepalive, maxdelay and patience"),
        ({"key": "arm-7.key"}, "key belongs to a certificate"),
        ({"umask": "9"}, "umask must be"),
        ({"allow_shutdown": "never"}, "allow_shutdown must be"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(setting: dict[str, Any], told: str):
    with pytest.raises(BadSettings, match=told):
        WorkerSettings(**{**HERE, **setting})
