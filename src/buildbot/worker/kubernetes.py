"""Workers in pods of a Kubernetes cluster."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Mapping
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import answered, inward
from buildbot._border.errors import error
from buildbot._border.kinds import Given
from buildbot.interfaces import (
    LatentWorkerCannotSubstantiate,
    LatentWorkerFailedToSubstantiate,
)
from buildbot.util.kubeclientservice import KubeConfigLoaderBase, ProxyFailed
from buildbot.util.latent import CompatibleLatentWorkerMixin
from buildbot.util.rest import Access, RestClient, RestError
from buildbot.worker.kubernetes_pods import (
    explained,
    job_of,
    label,
    labels_of,
    phase_of,
    problem_of,
    variables,
    waits_for,
    warnings_of,
)
from buildbot.worker.latent import AbstractLatentWorker

_log = logging.getLogger(__name__)

DEFAULT_IMAGE = "buildbot/buildbot-worker"
_INVALID = (400, 422)
_LINES_SHOWN = "5"
_PATHS = {
    "pods": "/api/v1/namespaces/{}/pods",
    "jobs": "/apis/batch/v1/namespaces/{}/jobs",
}


class KubeLatentWorker(CompatibleLatentWorkerMixin, AbstractLatentWorker):
    """A worker in a pod of a Kubernetes cluster, which exists only while there are builds.

    The image's worker must connect as the environment variables BUILDMASTER, BUILDMASTER_PORT,
    BUILDMASTER_PROTOCOL, WORKERNAME and WORKERPASS say. Subclasses override methods for the rest of
    the pod; each takes the build (``getProperty``, ``render``), and may return a Deferred.

    Args:
        image (str, renderable): Image of the worker's container.
        namespace (str | None, renderable): Namespace of the pod; by default that of kube_config.
        masterFQDN (str | Callable[[], str] | None): Address at which the pod reaches the master,
            with a port if it is not that of c['protocols']; by default the address of this host.
        kube_config (KubeConfigLoaderBase): How the cluster is reached.
        kube_extra_labels (dict[str, str] | None): More labels for the pod.
        job (bool): Whether a job is made that runs the pod (Chargehand's own).
    """

    builds_may_be_incompatible = True
    _first_check = 1.0
    kube_config: KubeConfigLoaderBase

    @own_arguments
    def checkConfig(
        self,
        name: str,
        password: Any = None,
        image: Any = DEFAULT_IMAGE,
        namespace: Any = None,
        masterFQDN: Any = None,
        kube_config: Any = None,
        kube_extra_labels: Mapping[str, str] | None = None,
        job: bool = False,
        **kwargs: Any,
    ) -> None:
        """Check the arguments, and keep them."""
        super().checkConfig(name, password, **kwargs)
        if not isinstance(kube_config, KubeConfigLoaderBase):
            error(
                f'worker "{name}": kube_config must be a util.KubeHardcodedConfig, '
                "util.KubeCtlProxyConfigLoader or util.KubeInClusterConfigLoader, "
                f"not {kube_config!r}"
            )
        given = Given(f'worker "{name}"')
        self.image = given.text("image", image, is_rendered=True)
        self.namespace = given.text("namespace", namespace, is_rendered=True)
        self.masterFQDN = (
            masterFQDN if callable(masterFQDN) else given.text("masterFQDN", masterFQDN)
        )
        self.kube_config = kube_config
        labels = given.mapping("kube_extra_labels", kube_extra_labels, of_text=True)
        self.kube_extra_labels = dict(labels or {})
        self.job = given.flag("job", job)
        self._client = RestClient("Kubernetes", self._access)

    async def startService(self) -> None:
        """Begin to reach the cluster."""
        await self.kube_config.begin()

    async def stopService(self) -> None:
        """Cease to reach it."""
        await self.kube_config.end()

    # What subclasses override

    def createEnvironment(self, props: Any) -> Any:
        """Return the variables of the worker's container; add to those that you get from here."""
        address = self.masterFQDN() if callable(self.masterFQDN) else self.masterFQDN
        return self.worker_environment(self.get_ip() if address is None else address)

    def getBuildContainerResources(self, props: Any) -> Any:
        """Return ``resources`` of the worker's container, such as
        ``{"requests": {"cpu": "2500m", "memory": "4G"}}``."""
        return self.get_build_container_resources(props)

    def get_build_container_resources(self, props: Any) -> Any:
        """Return the same; `getBuildContainerResources` is its older name."""
        return {}

    def get_build_container_volume_mounts(self, props: Any) -> Any:
        """Return ``volumeMounts`` of the worker's container."""
        return []

    def get_volumes(self, props: Any) -> Any:
        """Return ``volumes`` of the pod."""
        return []

    def get_node_selector(self, props: Any) -> Any:
        """Return ``nodeSelector`` of the pod."""
        return {}

    def get_affinity(self, props: Any) -> Any:
        """Return ``affinity`` of the pod."""
        return {}

    def getServicesContainers(self, props: Any) -> Any:
        """Return containers that run beside the worker's, such as a database."""
        return []

    def getPodSpec(self, props: Any, pod: dict[str, Any]) -> Any:
        """Return the whole pod; *pod* is what it is without this method. Its name and labels must
        stay."""
        return pod

    def getJobSpec(self, props: Any, job: dict[str, Any]) -> Any:
        """Return the whole job, if ``job`` is True. Its name and labels must stay."""
        return job

    @staticmethod
    def get_fqdn() -> str:
        """Return this host's full name, for ``masterFQDN=KubeLatentWorker.get_fqdn``."""
        return socket.getfqdn()

    @staticmethod
    def get_ip() -> str:
        """Return this host's address; its full name, if that has no address for others."""
        name = socket.getfqdn()
        try:
            address = socket.gethostbyname(name)
        except OSError:
            return name
        return name if ipaddress.ip_address(address).is_loopback else address

    # Its instance

    async def renderWorkerProps(self, build: Any) -> tuple[Any, ...]:
        """Return what decides whether a running pod is fit for a build."""
        namespace = await inward(build.render, self.namespace)
        rendered = {
            "namespace": namespace or await self._usual_namespace(),
            "image": await inward(build.render, self.image),
        }
        for name, function in (
            ("resources", self.getBuildContainerResources),
            ("volumeMounts", self.get_build_container_volume_mounts),
            ("volumes", self.get_volumes),
            ("nodeSelector", self.get_node_selector),
            ("affinity", self.get_affinity),
            ("services", self.getServicesContainers),
        ):
            rendered[name] = await inward(build.render, await answered(name, function, build))
        return (rendered,)

    async def start_instance(self, build: Any) -> list[str]:
        """Create the pod."""
        if self.instance is not None:
            raise ValueError(f'worker "{self.name}" has a pod already')
        (wanted,) = await self.renderWorkerPropsOnStart(build)
        resource = "jobs" if self.job else "pods"
        namespace = wanted["namespace"]
        thing = await self._thing(build, wanted)
        self.instance = {
            "resource": resource,
            "namespace": namespace,
            "name": thing["metadata"]["name"],
        }
        await self.record_instance(self.instance)
        await self._create(resource, namespace, thing)
        return [f"{resource[:-1]} {namespace}/{self.instance['name']}", str(wanted["image"])]

    async def stop_instance(self, fast: bool = False) -> None:
        """Delete the pod; Kubernetes ends its processes."""
        self.resetWorkerPropsOnStop()
        instance, self.instance = self.instance, None
        if instance is None and self.instance_name:
            namespace = self.namespace if isinstance(self.namespace, str) else None
            instance = {
                "resource": "jobs" if self.job else "pods",
                "namespace": namespace or await self._usual_namespace(),
                "name": self.instance_name,
            }
        if instance is not None:
            try:
                await self.stop_found_instance(instance)
            except RestError:
                self.instance = instance
                raise

    async def check_instance(self) -> tuple[bool, str]:
        """Return whether the pod's worker may still connect, and why not."""
        instance = self.instance
        if instance is None:
            return False, "it has no pod"
        shown = f"{instance['namespace']}/{instance['name']}"
        try:
            pod = await self._pod(instance)
        except RestError as failure:
            if failure.status == 404:
                return False, f"pod {shown} was deleted"
            words = explained(failure, "get", "pods", instance["namespace"])
            _log.warning("cannot look at pod %s of worker %s: %s", shown, self.name, words)
            return True, words
        if pod is None:
            told = ["its job has not created a pod yet"]
            return True, "; ".join(told + await self._warnings(instance, instance["name"]))
        lines = await self._last_lines(instance["namespace"], pod)
        printed = [f"it printed: {lines}"] if lines else []
        warnings = await self._warnings(instance, pod["metadata"]["name"])
        if (problem := problem_of(pod)) is None:
            waits = waits_for(pod)  # Usually an event says it, too.
            more = [one for one in warnings if not waits or waits not in one]
            told = [f"pod {shown} is {phase_of(pod)}", waits, *printed, *more]
            return True, "; ".join(filter(None, told))
        return False, "; ".join([f"pod {shown}: {problem}", *printed, *warnings])

    # What others left

    def instance_place(self) -> str:
        """Name the cluster and the namespace."""
        place = self.kube_config.place
        return f"{place}, namespace {self.namespace}" if self.namespace else place

    async def find_instances(self) -> list[tuple[str, Any]]:
        """Return the pods (or jobs) of this master, by their names."""
        namespace = self.namespace if isinstance(self.namespace, str) else None
        namespace = namespace or await self._usual_namespace()
        resource = "jobs" if self.job else "pods"
        selector = f"chargehand.master={label(self.fleet_label)},chargehand.instance"
        path = _PATHS[resource].format(namespace)
        answer = await self._client.request("GET", path, parameters={"labelSelector": selector})
        return [
            (
                item["metadata"]["labels"]["chargehand.instance"],
                {"resource": resource, "namespace": namespace, "name": item["metadata"]["name"]},
            )
            for item in answer.content.get("items") or ()
            if not item["metadata"].get("deletionTimestamp")
        ]

    async def stop_found_instance(self, value: Mapping[str, str]) -> None:
        """Delete a pod or a job; it may be gone already."""
        path = _PATHS[value["resource"]].format(value["namespace"])
        try:
            await self._client.request(
                "DELETE",
                f"{path}/{value['name']}",
                parameters={"propagationPolicy": "Background"},
            )
        except RestError as failure:
            if failure.status != 404:
                words = explained(failure, "delete", value["resource"], value["namespace"])
                raise RestError(words, status=failure.status) from failure

    # Requests

    async def _access(self) -> Access:
        try:
            return await self.kube_config.access(self.master)
        except (OSError, ProxyFailed) as wrong:
            raise RestError(f"cannot reach Kubernetes: {wrong}") from wrong

    async def _usual_namespace(self) -> str:
        try:
            return await self.kube_config.usual_namespace()
        except OSError as wrong:
            raise LatentWorkerFailedToSubstantiate(f"cannot reach Kubernetes: {wrong}") from wrong

    async def _thing(self, build: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Return the pod, or the job, that is to be made."""
        environment = await answered("createEnvironment", self.createEnvironment, build)
        container = {
            "name": "worker",
            "image": wanted["image"],
            "env": variables(await inward(build.render, environment)),
            "resources": wanted["resources"],
            "volumeMounts": wanted["volumeMounts"],
        }
        spec = {
            "restartPolicy": "Never",
            "containers": [container, *wanted["services"]],
            **{name: wanted[name] for name in ("volumes", "nodeSelector", "affinity")},
        }
        metadata = {
            "name": self.instance_name,
            "labels": labels_of(self.instance_labels, self.kube_extra_labels),
            "annotations": {"chargehand.worker": self.name},
        }
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {key: value for key, value in spec.items() if value},
        }
        pod = await answered("getPodSpec", self.getPodSpec, build, pod)
        if not self.job:
            return dict(pod)
        return dict(await answered("getJobSpec", self.getJobSpec, build, job_of(pod)))

    async def _create(self, resource: str, namespace: str, thing: Mapping[str, Any]) -> None:
        path = _PATHS[resource].format(namespace)
        try:
            await self._client.request("POST", path, body=thing, repeatable=True)
        except RestError as failure:
            if failure.status == 409 and "already exists" in str(failure):
                return  # The answer to our first request was lost.
            words = self._without_password(explained(failure, "create", resource, namespace))
            if failure.status in _INVALID:
                raise LatentWorkerCannotSubstantiate(words) from None
            raise LatentWorkerFailedToSubstantiate(words) from None

    async def _pod(self, instance: Mapping[str, str]) -> Any:
        path = _PATHS["pods"].format(instance["namespace"])
        if instance["resource"] == "pods":
            return (await self._client.request("GET", f"{path}/{instance['name']}")).content
        selector = {"labelSelector": f"job-name={instance['name']}"}
        answer = await self._client.request("GET", path, parameters=selector)
        return next(iter(answer.content.get("items") or ()), None)

    async def _warnings(self, instance: Mapping[str, str], name: str) -> list[str]:
        """Return what the cluster warns of a pod or a job; nothing if that may not be read."""
        path = f"/api/v1/namespaces/{instance['namespace']}/events"
        selector = {"fieldSelector": f"involvedObject.name={name}"}
        try:
            answer = await self._client.request("GET", path, parameters=selector)
        except RestError as failure:
            _log.debug("events of worker %s: %s", self.name, failure)
            return []
        items = answer.content.get("items") or ()
        return [self._without_password(words) for words in warnings_of(items)]

    async def _last_lines(self, namespace: str, pod: Mapping[str, Any]) -> str:
        path = f"{_PATHS['pods'].format(namespace)}/{pod['metadata']['name']}/log"
        parameters = {"container": "worker", "tailLines": _LINES_SHOWN}
        try:
            answer = await self._client.request("GET", path, parameters=parameters)
        except RestError:
            return ""
        lines = str(answer.content or "").splitlines()
        return self._without_password(" / ".join(filter(None, map(str.strip, lines))))

    def _without_password(self, text: str) -> str:
        password = self.worker_password
        return text.replace(password, "<password>") if password else text
