"""Workers in pods: what is made in the cluster, what is told of failures, what is left over."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from simulated_kubernetes import TOKEN, Fault, SimulatedKubernetes
from waiting import until

from buildbot._border.errors import collecting
from buildbot.interfaces import (
    LatentWorkerCannotSubstantiate,
    LatentWorkerFailedToSubstantiate,
)
from buildbot.plugins import util, worker
from buildbot.process.properties import Properties
from buildbot.util.rest import RestError

_PASSWORD = "known-to-this-pod-only"
_NAME = "chargehand-3f2a9c0d1e-arm-7-12-1"
_LABELS = {
    "chargehand.master": "3f2a9c0d1e",
    "chargehand.worker": "arm_7 (fast)",
    "chargehand.epoch": "12",
    "chargehand.instance": _NAME,
}


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[SimulatedKubernetes]:
    images = {
        "worker:1": ["sleep", "60"],
        "waits": ["sh", "-c", "echo retrying with $WORKERPASS; sleep 60"],
        "broken": ["sh", "-c", "echo my password is $WORKERPASS; exit 3"],
    }
    cluster = SimulatedKubernetes(images, tmp_path / "pods")
    await cluster.start()
    yield cluster
    await cluster.close()


def build(**properties: Any) -> Properties:
    """Return as much of a build as a worker asks for."""
    return Properties(**properties)


def made(
    cluster: SimulatedKubernetes, kind: type = worker.KubeLatentWorker, **arguments: Any
) -> Any:
    """Return a worker, as the fleet prepares it before its instance is started."""
    config = util.KubeHardcodedConfig(cluster.url, bearerToken=TOKEN, namespace="ci")
    arguments = {
        "image": "worker:1",
        "kube_config": config,
        "masterFQDN": "10.0.0.1:9",
        **arguments,
    }
    found = kind("arm-7", **arguments)
    found.instance_name, found.instance_labels = _NAME, dict(_LABELS)
    found.fleet_label = _LABELS["chargehand.master"]
    found.worker_password = _PASSWORD

    async def keep(value: object) -> None:
        found.kept = value

    found._keep = keep
    return found


async def test_a_pod_is_made_with_the_worker_s_environment_and_labels_and_deleted(
    cluster: SimulatedKubernetes,
) -> None:
    arm = made(cluster, kube_extra_labels={"team": "tools"})

    told = await arm.start_instance(build())

    assert told == [f"pod ci/{_NAME}", "worker:1"]
    pod = cluster.pod()
    assert pod.name == _NAME
    assert pod.environment["WORKERNAME"] == "arm-7"
    assert pod.environment["WORKERPASS"] == _PASSWORD
    assert pod.resource["metadata"]["labels"] == {
        **_LABELS,
        "chargehand.worker": "arm_7--fast",
        "team": "tools",
    }
    assert pod.resource["spec"]["restartPolicy"] == "Never"
    assert await arm.check_instance() == (True, f"pod ci/{_NAME} is running")

    await arm.stop_instance()

    assert cluster.pods == {}
    assert pod.process is not None and pod.process.returncode is not None
    await arm.stop_instance()  # what is gone is no error


class OwnWorker(worker.KubeLatentWorker):
    def getBuildContainerResources(self, props: Any) -> Any:
        return {"requests": {"cpu": str(props.getProperty("NUM_CPU", "1"))}}

    def get_build_container_volume_mounts(self, props: Any) -> Any:
        return [{"name": "scratch", "mountPath": "/scratch"}]

    def get_volumes(self, props: Any) -> Any:
        return [{"name": "scratch", "emptyDir": {"medium": "Memory"}}]

    def get_node_selector(self, props: Any) -> Any:
        return {"pool": "work"}

    async def getServicesContainers(self, props: Any) -> Any:
        return [{"name": "database", "image": util.Interpolate("postgres:%(prop:release)s")}]

    def createEnvironment(self, props: Any) -> Any:
        return {**super().createEnvironment(props), "RELEASE": util.Property("release")}

    def getPodSpec(self, props: Any, pod: Any) -> Any:
        pod["spec"]["tolerations"] = [{"operator": "Exists"}]
        return pod


async def test_subclasses_say_what_else_the_pod_has(cluster: SimulatedKubernetes) -> None:
    arm = made(cluster, OwnWorker, image=util.Interpolate("worker:%(prop:release)s"))

    await arm.start_instance(build(release=1, NUM_CPU=4))

    spec = cluster.pod().resource["spec"]
    container, database = spec["containers"]
    assert container["resources"] == {"requests": {"cpu": "4"}}
    assert container["volumeMounts"] == [{"name": "scratch", "mountPath": "/scratch"}]
    assert {"name": "RELEASE", "value": "1"} in container["env"]
    assert database == {"name": "database", "image": "postgres:1"}
    assert spec["volumes"] == [{"name": "scratch", "emptyDir": {"medium": "Memory"}}]
    assert spec["nodeSelector"] == {"pool": "work"}
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert "affinity" not in spec
    assert await arm.isCompatibleWithBuild(build(release=1, NUM_CPU=4))
    assert not await arm.isCompatibleWithBuild(build(release=1, NUM_CPU=8))
    assert not await arm.isCompatibleWithBuild(build(release=2, NUM_CPU=4))


async def test_a_job_may_run_the_pod(cluster: SimulatedKubernetes) -> None:
    arm = made(cluster, job=True)

    assert (await arm.start_instance(build()))[0] == f"job ci/{_NAME}"

    assert cluster.jobs[("ci", _NAME)]["spec"]["backoffLimit"] == 0
    pod = cluster.pod()
    assert pod.environment["WORKERNAME"] == "arm-7"
    assert await arm.check_instance() == (True, f"pod ci/{_NAME} is running")
    assert [name for name, _ in await arm.find_instances()] == [_NAME]
    await arm.stop_instance()
    assert cluster.pods == cluster.jobs == {}


async def test_the_pod_of_a_master_that_was_killed_is_found_by_its_name(
    cluster: SimulatedKubernetes,
) -> None:
    await made(cluster).start_instance(build())
    later = made(cluster)

    await later.stop_instance()

    assert cluster.pods == {}


async def test_pods_of_this_master_are_found_and_no_others(cluster: SimulatedKubernetes) -> None:
    ours, other = made(cluster), made(cluster)
    other.instance_name = "chargehand-0000000000-arm-7-1-1"
    other.instance_labels = {
        **_LABELS,
        "chargehand.master": "0000000000",
        "chargehand.instance": other.instance_name,
    }
    await ours.start_instance(build())
    await other.start_instance(build())

    ((name, value),) = await ours.find_instances()

    assert name == _NAME
    await ours.stop_found_instance(value)
    await ours.stop_found_instance(value)
    assert [pod.name for pod in cluster.pods.values()] == [other.instance_name]
    assert ours.instance_place() == cluster.url


# What goes wrong


async def _refused(arm: Any, kind: type[Exception] = LatentWorkerFailedToSubstantiate) -> str:
    with pytest.raises(kind) as refusal:
        await arm.start_instance(build())
    assert _PASSWORD not in str(refusal.value)
    assert TOKEN not in str(refusal.value)
    return str(refusal.value)


async def test_it_says_which_verb_on_which_resource_is_not_allowed(
    cluster: SimulatedKubernetes,
) -> None:
    cluster.verbs = {"get"}
    arm = made(cluster)

    said = await _refused(arm)

    assert said.startswith(
        'the cluster does not allow this account to create pods in namespace "ci": give it a role '
        'with the verb "create" on "pods" (pods is forbidden: '
        'User "system:serviceaccount:ci:chargehand"'
    )
    assert "create jobs" in await _refused(made(cluster, job=True))
    with pytest.raises(RestError, match='verb "delete" on "pods"'):
        await arm.stop_instance()
    assert arm.instance is not None  # and is tried again


async def test_it_says_that_the_namespace_is_missing(cluster: SimulatedKubernetes) -> None:
    said = await _refused(made(cluster, namespace="builds"))

    assert said == 'namespace "builds" does not exist: namespaces "builds" not found'


async def test_it_says_that_the_credentials_or_the_quota_do_not_suffice(
    cluster: SimulatedKubernetes,
) -> None:
    config = util.KubeHardcodedConfig(cluster.url, bearerToken="stale")
    cluster.quota = 0

    said = await _refused(made(cluster, kube_config=config))

    assert said == "the cluster does not accept the credentials of kube_config: Unauthorized"
    assert (await _refused(made(cluster))).startswith('the quota of namespace "ci" is used up: ')


async def test_a_pod_that_is_not_valid_ends_the_build(cluster: SimulatedKubernetes) -> None:
    said = await _refused(made(cluster, image=" "), LatentWorkerCannotSubstantiate)

    assert "spec.containers[0].image: Required value" in said


async def test_a_pod_whose_image_cannot_be_pulled_is_given_up(cluster: SimulatedKubernetes) -> None:
    arm = made(cluster, image="worker:2")
    await arm.start_instance(build())

    assert await arm.check_instance() == (
        False,
        f'pod ci/{_NAME}: container "worker": ImagePullBackOff: Back-off pulling image "worker:2"',
    )


async def test_a_pod_that_ends_is_given_up_with_what_it_printed(
    cluster: SimulatedKubernetes,
) -> None:
    arm = made(cluster, image="broken")
    await arm.start_instance(build())
    await until(lambda: cluster.pod().resource["status"]["phase"] == "Failed")

    assert await arm.check_instance() == (
        False,
        f'pod ci/{_NAME}: container "worker" exited with 3 (Error); '
        "it printed: my password is <password>",
    )
    cluster.pods.clear()
    assert await arm.check_instance() == (False, f"pod ci/{_NAME} was deleted")


async def test_an_evicted_pod_is_given_up_with_the_reason(cluster: SimulatedKubernetes) -> None:
    arm = made(cluster)
    await arm.start_instance(build())
    killed = {"name": "worker", "state": {"terminated": {"exitCode": 137, "reason": "Error"}}}
    status = {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "The node was low on resource: memory. ",
        "containerStatuses": [killed],
    }
    cluster.pod().resource["status"] = status

    is_good, words = await arm.check_instance()

    why = "Evicted: The node was low on resource: memory."
    ended = 'container "worker" exited with 137 (Error)'
    assert not is_good
    assert words.startswith(f"pod ci/{_NAME}: {why}; {ended}")
    del status["containerStatuses"]
    assert (await arm.check_instance())[1].startswith(f"pod ci/{_NAME}: {why}")


async def test_a_pod_that_is_not_scheduled_yet_may_still_be(cluster: SimulatedKubernetes) -> None:
    arm = made(cluster)
    await arm.start_instance(build())
    words = "0/3 nodes are available: 3 Insufficient cpu."
    condition = {"type": "PodScheduled", "status": "False", "message": words}
    cluster.pod().resource["status"] = {"phase": "Pending", "conditions": [condition]}

    cluster.warn(_NAME, "FailedScheduling", words)

    assert await arm.check_instance() == (True, f"pod ci/{_NAME} is pending; {words}")


async def test_what_the_cluster_warns_of_is_told(cluster: SimulatedKubernetes) -> None:
    arm = made(cluster, image="worker:2")
    await arm.start_instance(build())
    cluster.warn("another-pod", "BackOff", "not ours")
    cluster.warn(_NAME, "Failed", "Failed to pull image: not found")
    cluster.warn(_NAME, "FailedMount", "a volume")
    cluster.warn(_NAME, "Failed", "Failed to pull image: unauthorized")
    cluster.events.append({**cluster.events[-1], "type": "Normal", "reason": "Pulling"})

    is_good, words = await arm.check_instance()

    assert not is_good
    assert words.endswith("; FailedMount: a volume; Failed: Failed to pull image: unauthorized")
    cluster.may_read_events = False
    is_good, words = await arm.check_instance()
    assert words.endswith('Back-off pulling image "worker:2"')


async def test_a_pod_that_runs_may_have_said_why_it_does_not_connect(
    cluster: SimulatedKubernetes,
) -> None:
    arm = made(cluster, image="waits")
    await arm.start_instance(build())
    await until(lambda: cluster.pod().output)

    assert await arm.check_instance() == (
        True,
        f"pod ci/{_NAME} is running; it printed: retrying with <password>",
    )


async def test_a_job_that_gets_no_pod_says_why(cluster: SimulatedKubernetes) -> None:
    arm = made(cluster, job=True)
    await arm.start_instance(build())
    cluster.pods.clear()
    cluster.warn(_NAME, "FailedCreate", "pods are forbidden: exceeded quota")

    assert await arm.check_instance() == (
        True,
        "its job has not created a pod yet; FailedCreate: pods are forbidden: exceeded quota",
    )


async def test_a_cluster_that_does_not_answer_is_no_fault_of_the_pod(
    cluster: SimulatedKubernetes, pauses: list[float]
) -> None:
    arm = made(cluster)
    await arm.start_instance(build())
    cluster.faults += [Fault("GET") for _ in range(4)]

    is_good, words = await arm.check_instance()

    assert is_good
    assert words.endswith("with 503: busy")
    assert len(pauses) == 3


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return how long clients paused; none pauses really."""
    taken: list[float] = []

    async def pause(seconds: float) -> None:
        taken.append(seconds)

    monkeypatch.setattr("buildbot.util.rest._pause", pause)
    return taken


async def test_a_busy_cluster_is_asked_again_when_it_says(
    cluster: SimulatedKubernetes, pauses: list[float]
) -> None:
    cluster.faults += [Fault("POST", status=429, headers={"Retry-After": "7"}), Fault("POST")]

    await made(cluster).start_instance(build())

    assert pauses == [7, 1]
    assert len(cluster.pods) == 1


async def test_an_answer_that_is_lost_makes_no_second_pod(
    cluster: SimulatedKubernetes, pauses: list[float]
) -> None:
    cluster.faults.append(Fault("POST", is_answer_lost=True))
    arm = made(cluster)

    await arm.start_instance(build())

    assert cluster.requests.count("POST /api/v1/namespaces/ci/pods") == 2
    assert len(cluster.pods) == 1
    await arm.stop_instance()
    assert cluster.pods == {}


async def test_a_cluster_that_is_not_there_is_told(
    cluster: SimulatedKubernetes, pauses: list[float]
) -> None:
    config = util.KubeHardcodedConfig("http://127.0.0.1:1", bearerToken=TOKEN)

    said = await _refused(made(cluster, kube_config=config))

    assert said.startswith("cannot reach Kubernetes at http://127.0.0.1:1: ")
    assert pauses == [0.5, 1, 2]


# How the cluster is reached


def _certificate(directory: Path) -> tuple[Path, Path]:
    certificate, key = directory / "ca.pem", directory / "key.pem"
    subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        f"-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout {key} "
        f"-out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    return certificate, key


async def test_the_cluster_s_certificate_is_verified(tmp_path: Path, pauses: list[float]) -> None:
    certificate, key = _certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    cluster = SimulatedKubernetes({"worker:1": ["sleep", "60"]}, tmp_path / "pods")
    await cluster.start(tls)
    try:
        said = await _refused(made(cluster))
        assert "its certificate is not valid" in said
        assert pauses == cluster.requests == []  # and the token was not sent

        config = util.KubeHardcodedConfig(
            cluster.url, bearerToken=TOKEN, verify=str(certificate), namespace="ci"
        )
        await made(cluster, kube_config=config).start_instance(build())

        assert len(cluster.pods) == 1
    finally:
        await cluster.close()


async def test_a_certificate_that_is_not_there_is_named(cluster: SimulatedKubernetes) -> None:
    config = util.KubeHardcodedConfig(cluster.url, bearerToken=TOKEN, verify="no-ca.pem")

    said = await _refused(made(cluster, kube_config=config))

    assert said.startswith("cannot reach Kubernetes: cannot read verify='no-ca.pem', cert=None: ")


async def test_a_pod_s_account_reaches_its_own_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buildbot.util.kubeclientservice._ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    for name, text in (("namespace", "ci"), ("token", "first\n")):
        (tmp_path / name).write_text(text)
    certificate, _ = _certificate(tmp_path)
    certificate.rename(tmp_path / "ca.crt")
    config = util.KubeInClusterConfigLoader()

    first = await config.access(None)
    (tmp_path / "token").write_text("second")
    second = await config.access(None)

    assert first.url == "https://10.0.0.1:443"
    assert first.headers == {"Authorization": "Bearer first"}
    assert second.headers == {"Authorization": "Bearer second"}
    assert isinstance(first.tls, ssl.SSLContext)
    assert await config.usual_namespace() == "ci"
    assert "first" not in repr(first)


_KUBECTL = """#!/bin/sh
echo $$ >> {directory}/started
exec {python} -c "
import socket, sys, threading, urllib.request, http.server
class Proxy(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        headers = {{'Authorization': 'Bearer {token}', 'Content-Type': 'application/json'}}
        request = urllib.request.Request('{url}' + self.path, body, headers)
        with urllib.request.urlopen(request) as a:
            self.send_response(a.status); self.end_headers(); self.wfile.write(a.read())
server = http.server.HTTPServer(('127.0.0.1', int(sys.argv[2].partition('=')[2])), Proxy)
print('Starting to serve on 127.0.0.1', flush=True)
server.serve_forever()
" "$@"
"""


async def test_kubectl_proxy_is_started_once_and_stopped_with_the_last_worker(
    cluster: SimulatedKubernetes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    unused_tcp_port: int,
) -> None:
    program = tmp_path / "kubectl"
    program.write_text(
        _KUBECTL.format(directory=tmp_path, python=sys.executable, token=TOKEN, url=cluster.url)
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    config = util.KubeCtlProxyConfigLoader(proxy_port=unused_tcp_port, namespace="ci")
    workers = [made(cluster, kube_config=config) for _ in range(2)]
    workers[1].instance_name = "another"
    for one in workers:
        await one.startService()
        await one.start_instance(build())

    started = (tmp_path / "started").read_text().split()
    assert len(cluster.pods) == 2
    assert len(started) == 1
    await workers[0].stopService()
    assert Path(f"/proc/{started[0]}").exists()
    await workers[1].stopService()
    assert not Path(f"/proc/{started[0]}").exists()


async def test_it_says_why_kubectl_proxy_does_not_run(
    cluster: SimulatedKubernetes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pauses: list[float],
    unused_tcp_port: int,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    config = util.KubeCtlProxyConfigLoader(proxy_port=unused_tcp_port)
    arm = made(cluster, kube_config=config)
    said = await _refused(arm)
    assert said == "cannot reach Kubernetes: cannot run kubectl: No such file or directory"

    (tmp_path / "kubectl").write_text("#!/bin/sh\necho error: no configuration >&2\n")
    (tmp_path / "kubectl").chmod(0o755)
    said = await _refused(made(cluster, kube_config=config))
    assert said == "cannot reach Kubernetes: kubectl proxy ended: error: no configuration"


def test_a_worker_needs_to_know_its_cluster() -> None:
    with collecting() as found:
        worker.KubeLatentWorker("arm-7")

    (told,) = found.errors
    assert "kube_config must be a util.KubeHardcodedConfig, " in told.message


def test_configurations_are_equal_when_they_reach_the_same_cluster() -> None:
    def config(**arguments: Any) -> Any:
        return util.KubeHardcodedConfig("https://k", **{"bearerToken": "a", **arguments})

    assert config() == config()
    assert config() != config(bearerToken="b")
    assert config() != config(namespace="ci")
    assert util.KubeCtlProxyConfigLoader() == util.KubeCtlProxyConfigLoader(8001)
