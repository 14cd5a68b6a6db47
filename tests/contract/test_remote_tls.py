"""A worker's connection with TLS: whose certificates are taken, and what is said of others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from certificates import Authority
from connections import free_port
from remote_worker import Master, RemoteWorker
from waiting import until

from chargehand.config.model import WorkerPort
from chargehand.config.tls_files import TlsFiles


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "others")


@pytest.mark.slow
async def test_certificates_are_verified_on_both_sides(
    tmp_path: Path, authority: Authority, stranger: Authority
):
    own_certificate, own_key = map(str, authority.signed("master"))
    port = free_port()
    own_port = WorkerPort(
        protocol="native",
        address=("127.0.0.1", port),
        text="ssl",
        tls=TlsFiles(
            certificate=own_certificate, key=own_key, client_ca=str(authority.certificate)
        ),
    )
    master = Master(own_port=own_port)
    await master.open()
    certificate, key = authority.signed("arm-7")
    own = {"certificate": certificate, "key": key}
    url = f"https://127.0.0.1:{port}"
    workers = {
        "verified": RemoteWorker(tmp_path / "a", url, ca_file=authority.certificate, **own),
        "unknown authority": RemoteWorker(tmp_path / "b", url, ca_file=stranger.certificate, **own),
        "no certificate": RemoteWorker(tmp_path / "c", url, ca_file=authority.certificate),
        "no TLS": RemoteWorker(tmp_path / "d", f"127.0.0.1:{port}"),
    }
    try:
        for worker in workers.values():
            worker.start()
        session = await master.registry.attached.get()
        for worker in list(workers.values())[1:]:
            await until(lambda worker=worker: "cannot connect" in worker.log)
    finally:
        for worker in workers.values():
            worker.stop()
        await master.close()

    assert session.info.basedir == str(tmp_path / "a")
    assert master.registry.attached.empty()
    assert "its certificate is not valid" in workers["unknown authority"].log
    assert "name that with ca_file" in workers["unknown authority"].log
    assert "The master may ask for a certificate" in workers["no certificate"].log


@pytest.mark.slow
async def test_an_expired_certificate_is_named_on_both_sides(
    tmp_path: Path, authority: Authority, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    expired = dict(zip(("certificate", "key"), authority.signed("old", days=-1), strict=True))
    valid = dict(zip(("certificate", "key"), authority.signed("arm-7"), strict=True))
    for side in ("master", "worker"):
        port = free_port()
        own = {name: str(path) for name, path in (expired, valid)[side == "worker"].items()}
        own_port = WorkerPort(
            protocol="native",
            address=("127.0.0.1", port),
            text="ssl",
            tls=TlsFiles(client_ca=str(authority.certificate), **own),
        )
        caplog.clear()
        master = Master(own_port=own_port)
        await master.open()
        theirs = (expired, valid)[side == "master"]
        url = f"https://127.0.0.1:{port}"
        worker = RemoteWorker(tmp_path / side, url, ca_file=authority.certificate, **theirs)
        try:
            worker.start()
            await until(lambda worker=worker: "cannot connect" in worker.log)
        finally:
            worker.stop()
            await master.close()
        told, heard = worker.log, caplog.text
        if side == "master":
            assert "its certificate is not valid: certificate has expired" in told
            assert re.search(r"the certificate of 127.0.0.1:\d+ for workers expired on 20", heard)
        else:
            assert re.search(r"This worker's certificate \(.*old.pem\) expired on 20", told)
            assert "its client certificate is not valid: certificate has expired" in heard
