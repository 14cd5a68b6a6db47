"""The guide to builds in Kubernetes, step by step, with real masters and workers."""

from __future__ import annotations

import asyncio
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from connections import free_port
from installed_master import SUCCESS, InstalledMaster
from simulated_kubernetes import TOKEN, SimulatedKubernetes
from waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

_ROOT = Path(__file__).parents[2]
_GUIDE = (_ROOT / "docs/how-to/build-in-kubernetes.md").read_text()
_STOCK = _ROOT / "bench/run/stock-worker/bin/buildbot-worker"
_STOCK_SCRIPT = (
    f'{_STOCK} create-worker w "$BUILDMASTER:$BUILDMASTER_PORT" "$WORKERNAME" "$WORKERPASS" && '
    f"exec {_STOCK} start --nodaemon w"
)


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", _GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture
async def cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SimulatedKubernetes]:
    """A cluster with TLS, whose images are what the guide makes."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    (script,) = _blocks("sh")
    images = {
        "registry.example.org/builder:1": ["sh", "-c", script],
        "buildbot/buildbot-worker": ["sh", "-c", _STOCK_SCRIPT],
    }
    certificate, key = tmp_path / "cluster-ca.pem", tmp_path / "key.pem"
    subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
        f"/CN=localhost -addext subjectAltName=DNS:localhost -keyout {key} -out {certificate}"
        "".split(),
        check=True,
        capture_output=True,
    )
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    cluster = SimulatedKubernetes(images, tmp_path / "pods")
    await cluster.start(tls)
    yield cluster
    await cluster.close()


def _write(master: InstalledMaster, cluster: SimulatedKubernetes, tmp_path: Path, end: str) -> None:
    (master.path / "secrets").mkdir(mode=0o700)
    (master.path / "secrets" / "kubernetes").write_text(TOKEN)
    (master.path / "secrets" / "kubernetes").chmod(0o600)
    (tmp_path / "cluster-ca.pem").rename(master.path / "cluster-ca.pem")
    settings, subclass = _blocks("python")
    for old, new in (
        ("https://203.0.113.7:6443", cluster.url),
        ("'ci.example.org'", "'127.0.0.1'"),
        ("range(10)", "range(2)"),
    ):
        assert old in settings
        settings = settings.replace(old, new)
    port = f"c['www'] = {{'port': 'tcp:{free_port()}:interface=127.0.0.1'}}\n"
    master.write(port + settings + subclass + end)


async def _built(master: InstalledMaster, builder: str) -> dict[str, Any]:
    request = await asyncio.to_thread(master.force, builder)
    await asyncio.to_thread(master.completed, request, 90.0)
    return (await asyncio.to_thread(master.builds_of, request))[-1]


async def test_a_pod_with_our_own_worker_builds_and_ends(
    master: InstalledMaster, cluster: SimulatedKubernetes, tmp_path: Path
) -> None:
    end = (
        "c['workers'].append(LargePod('large', image='registry.example.org/builder:1', "
        "kube_config=cluster, masterFQDN='127.0.0.1', master_protocol='native'))\n"
        "add('b', sh('echo $WORKERPASS-; echo built'), workernames=['pod-0', 'pod-1'])\n"
        "add('l', sh('true'), workernames=['large'])\n"
    )
    _write(master, cluster, tmp_path, end)
    await asyncio.to_thread(master.start)

    build = await _built(master, "b")

    assert build["results"] == SUCCESS, master.log
    (step,) = await asyncio.to_thread(master.steps, build)
    output = await asyncio.to_thread(master.output, build, step["name"])
    assert output == ["-", "built"]  # commands do not see the worker's password
    await until(lambda: not cluster.pods)  # build_wait_timeout=0
    large = await _built(master, "l")
    assert large["results"] == SUCCESS, master.log
    pod = cluster.pod()
    assert pod.resource["spec"]["nodeSelector"] == {"pool": "builds"}
    assert pod.environment["WORKERPASS"] not in master.log

    await asyncio.to_thread(master.kill)
    assert cluster.pods, "the pod outlives its master"
    await asyncio.to_thread(master.start)
    await until(lambda: not cluster.pods)


async def test_a_pod_with_a_stock_worker_builds(
    master: InstalledMaster, cluster: SimulatedKubernetes, tmp_path: Path
) -> None:
    end = (
        f"c['protocols'] = {{'pb': {{'port': 'tcp:{free_port()}:interface=127.0.0.1'}}}}\n"
        "c['workers'] = [worker.KubeLatentWorker('stock', kube_config=cluster, job=True, "
        "masterFQDN='127.0.0.1')]\n"
        "add('b', sh('echo built'), workernames=['stock'])\n"
    )
    _write(master, cluster, tmp_path, end)
    await asyncio.to_thread(master.start)

    build = await _built(master, "b")

    assert build["results"] == SUCCESS, master.log
    assert len(cluster.jobs) == 1
    await asyncio.to_thread(master.stop)
    assert cluster.jobs == cluster.pods == {}
