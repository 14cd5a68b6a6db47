"""A master that serves HTTPS: its worker and its commands use the same port and certificate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import Authority
from connections import free_port
from installed_master import SUCCESS, InstalledMaster
from test_remote_worker import Worker

pytestmark = pytest.mark.slow


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path / "arm-7")
    yield worker
    worker.run("stop", worker.directory)


def test_workers_and_commands_use_the_certificate_of_the_site(
    master: InstalledMaster, remote: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.signed("ci")
    port = free_port()
    master.write(
        f"""
        c['workers'] = [worker.Worker('arm-7', 'open sesame')]
        c['www']['port'] = [
            c['www']['port'],
            'ssl:{port}:interface=127.0.0.1:privateKey={key}:certKey={certificate}',
        ]
        add('b', sh('seq 20000', name='chatty'), workernames=['arm-7'])
        """
    )
    master.start()
    url = f"https://127.0.0.1:{port}"
    created = remote.run(
        *("create-worker", "--ca-file", authority.certificate),
        *(remote.directory, url, "arm-7", "open sesame"),
    )
    started = remote.run("start", remote.directory)
    assert created.returncode == started.returncode == 0, created.stderr + started.stderr

    build = master.build("b")

    assert build["results"] == SUCCESS
    assert master.output(build, "chatty") == [str(number) for number in range(1, 20_001)]
    refused = master.chargehand("builds", "--url", url)
    assert refused.status != 0
    assert "certificate is not trusted" in refused.text
    assert "set SSL_CERT_FILE" in refused.text
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    assert "b#1" in master.chargehand("builds", "--url", url).text
