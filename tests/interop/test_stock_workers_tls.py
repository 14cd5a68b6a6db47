"""Stock workers connect with TLS, over both protocols, and trust only whom they are told to."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from certificates import Authority
from connections import free_port
from installed_master import SUCCESS, InstalledMaster
from stock_worker import StockWorker
from waiting import eventually

_CONFIGURATION = """
c['protocols'] = {{
    'pb': {{'port': 'ssl:{pb}:interface=127.0.0.1:privateKey={key}:certKey={certificate}'}},
    'msgpack_experimental_v7': {{
        'port': 'ssl:{msgpack}:interface=127.0.0.1:privateKey={key}:certKey={certificate}'}},
}}
c['workers'] = [worker.Worker(name, 'secret') for name in {names}]
for name in {names}:
    add(name, sh('echo built by ' + name, name='say'), workernames=[name])
"""


def _workers(path: Path, pb: int, msgpack: int, trusted: Path, others: Path) -> list[StockWorker]:
    """Return one worker for each way to connect, and two that do not trust the master."""
    return [
        StockWorker(
            path / "use-tls",
            f"127.0.0.1:{pb}",
            "--use-tls",  # trusts whom the system trusts
            name="use-tls",
            environment={"SSL_CERT_FILE": str(trusted / "ca.pem")},
        ),
        StockWorker(
            path / "string",
            "ignored",
            f"--connection-string=tls:127.0.0.1:{pb}:trustRoots={trusted}",
            name="string",
        ),
        StockWorker(
            path / "msgpack",
            "ignored",
            "--protocol=msgpack_experimental_v7",
            f"--connection-string=ssl:host=127.0.0.1:port={msgpack}:caCertsDir={trusted}",
            name="msgpack",
        ),
        StockWorker(
            path / "wary",
            "ignored",
            f"--connection-string=tls:127.0.0.1:{pb}:trustRoots={others}",
            name="wary",
        ),
        StockWorker(path / "plain", f"127.0.0.1:{pb}", name="plain"),
    ]


@pytest.mark.slow
def test_workers_connect_with_tls_and_refuse_a_certificate_that_they_do_not_trust(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path / "ours")
    certificate, key = authority.signed("master")
    trusted, others = tmp_path / "trusted", tmp_path / "others"
    trusted.mkdir()
    (trusted / "ca.pem").write_bytes(authority.certificate.read_bytes())
    others.mkdir()
    (others / "ca.pem").write_bytes(Authority(tmp_path / "theirs").certificate.read_bytes())
    pb, msgpack = free_port(), free_port()
    master = InstalledMaster(tmp_path / "master")
    good, bad = ["use-tls", "string", "msgpack"], ["wary", "plain"]
    master.write(
        _CONFIGURATION.format(
            pb=pb, msgpack=msgpack, key=key, certificate=certificate, names=[*good, *bad]
        )
    )
    workers = _workers(tmp_path, pb, msgpack, trusted, others)

    with contextlib.ExitStack() as ending:
        ending.callback(master.end)
        master.start()
        for worker in workers:
            ending.callback(worker.end)
            worker.start()
        for name in good:
            master.connected(name)
            build = master.build(name)
            assert build["results"] == SUCCESS
            assert master.output(build, "say") == [f"built by {name}"]
        wary, plain = workers[3:]
        assert eventually(
            "what the master says of a worker that does not trust it",
            lambda: re.search(r"127\.0\.0\.1:\d+ .* does not trust the certificate", master.log),
        )
        assert eventually(
            "what the master says of a worker without TLS",
            lambda: re.search(r"127\.0\.0\.1:\d+ .* a worker without TLS", master.log),
        )
        assert not wary.has_ended and not plain.has_ended
        for name in bad:
            assert not master.one(f"workers/{name}")["connected_to"]
