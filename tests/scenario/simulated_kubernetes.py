"""A Kubernetes API server of our own, as far as `KubeLatentWorker` uses one.

Its pods are real processes of this machine: an image is a command, which gets the variables of its
container and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

TOKEN = "token-of-the-account"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_ACCOUNT = 'User "system:serviceaccount:ci:chargehand"'

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Fault:
    """What happens to the next request with this method, instead of an answer, or after it."""

    method: str
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = "busy"
    is_answer_lost: bool = False
    """The request is carried out, and the connection breaks before the answer."""


@dataclass
class Pod:
    """A pod, and the process that it is."""

    resource: dict[str, Any]
    process: asyncio.subprocess.Process | None = None
    output: bytes = b""

    @property
    def name(self) -> str:
        return str(self.resource["metadata"]["name"])

    @property
    def environment(self) -> dict[str, str]:
        container = self.resource["spec"]["containers"][0]
        return {one["name"]: one["value"] for one in container.get("env", ())}


class SimulatedKubernetes:
    """An API server with one account. *images* has the command of each image that can be pulled."""

    def __init__(self, images: Mapping[str, Sequence[str]], directory: Path) -> None:
        self.images = images
        self.namespaces = {"default", "ci"}
        self.verbs = {"create", "get", "list", "delete"}
        self.pods: dict[tuple[str, str], Pod] = {}
        self.jobs: dict[tuple[str, str], dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.may_read_events = True
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.quota = 100
        self._directory = directory
        self._runner: web.AppRunner | None = None
        self._watching: set[asyncio.Task[None]] = set()
        self.url = ""

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        app = web.Application(middlewares=[self._answered])
        pods, jobs = "/api/v1/namespaces/{ns}/pods", "/apis/batch/v1/namespaces/{ns}/jobs"
        app.router.add_post(pods, self._create_pod)
        app.router.add_get(pods, self._list_pods)
        app.router.add_get(pods + "/{name}", self._get_pod)
        app.router.add_get(pods + "/{name}/log", self._log)
        app.router.add_delete(pods + "/{name}", self._delete_pod)
        app.router.add_get("/api/v1/namespaces/{ns}/events", self._list_events)
        app.router.add_post(jobs, self._create_job)
        app.router.add_get(jobs, self._list_jobs)
        app.router.add_delete(jobs + "/{name}", self._delete_job)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"

    async def close(self) -> None:
        for pod in list(self.pods.values()):
            await self._end(pod)
        for task in self._watching:
            task.cancel()
        assert self._runner is not None
        await self._runner.cleanup()

    def pod(self) -> Pod:
        """Return the only pod."""
        (pod,) = self.pods.values()
        return pod

    # What every request goes through

    @property
    def _answered(self) -> Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]:
        @web.middleware
        async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.requests.append(f"{request.method} {request.path}")
            fault = next((one for one in self.faults if one.method == request.method), None)
            if fault is not None:
                self.faults.remove(fault)
                if not fault.is_answer_lost:
                    return web.Response(status=fault.status, headers=fault.headers, text=fault.body)
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return refusal(401, "Unauthorized", "Unauthorized")
            try:
                answer = await handler(request)
            except Refused as refused:
                return refused.answer
            if fault is not None:
                assert request.transport is not None
                request.transport.abort()
            return answer

        return answered

    def _may(self, verb: str, request: web.Request, resource: str) -> str:
        namespace = request.match_info["ns"]
        if verb not in self.verbs:
            words = (
                f'{resource} is forbidden: {_ACCOUNT} cannot {verb} resource "{resource}" in API '
                f'group "" in the namespace "{namespace}"'
            )
            raise Refused(403, "Forbidden", words)
        if namespace not in self.namespaces and verb == "create":
            raise Refused(404, "NotFound", f'namespaces "{namespace}" not found')
        return namespace

    # Pods

    async def _create_pod(self, request: web.Request) -> web.Response:
        namespace = self._may("create", request, "pods")
        resource = await request.json()
        await self._start_pod(namespace, resource)
        return web.json_response(resource, status=201)

    async def _start_pod(self, namespace: str, resource: dict[str, Any]) -> None:
        name = resource["metadata"]["name"]
        _check(resource, "Pod")
        if (namespace, name) in self.pods:
            raise Refused(409, "AlreadyExists", f'pods "{name}" already exists')
        if len(self.pods) >= self.quota:
            words = f'pods "{name}" is forbidden: exceeded quota: pods, requested: pods=1, '
            raise Refused(403, "Forbidden", words + f"used: pods={self.quota}")
        pod = self.pods[namespace, name] = Pod(resource)
        container = resource["spec"]["containers"][0]
        command = self.images.get(container["image"])
        if command is None:
            waiting = {
                "reason": "ImagePullBackOff",
                "message": f'Back-off pulling image "{container["image"]}"',
            }
            _set_state(pod, "Pending", {"waiting": waiting})
            return
        directory = self._directory / name
        directory.mkdir(parents=True)
        pod.process = await asyncio.create_subprocess_exec(
            *command,
            cwd=directory,
            env={"PATH": os.environ["PATH"], "HOME": str(directory), **pod.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        _set_state(pod, "Running", {"running": {}})
        task = asyncio.get_running_loop().create_task(self._watch(pod, pod.process))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _watch(self, pod: Pod, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while text := await process.stdout.read(65536):
            pod.output += text
        code = await process.wait()
        reason = "Error" if code else "Completed"
        terminated = {"exitCode": code, "reason": reason}
        _set_state(pod, "Failed" if code else "Succeeded", {"terminated": terminated})

    async def _get_pod(self, request: web.Request) -> web.Response:
        namespace = self._may("get", request, "pods")
        return web.json_response(self._found(namespace, request).resource)

    def _found(self, namespace: str, request: web.Request) -> Pod:
        name = request.match_info["name"]
        if (pod := self.pods.get((namespace, name))) is None:
            raise Refused(404, "NotFound", f'pods "{name}" not found')
        return pod

    async def _list_pods(self, request: web.Request) -> web.Response:
        namespace = self._may("list", request, "pods")
        found = [pod.resource for (ns, _), pod in self.pods.items() if ns == namespace]
        return web.json_response({"kind": "PodList", "items": _selected(found, request)})

    async def _list_events(self, request: web.Request) -> web.Response:
        self._may("list" if self.may_read_events else "watch", request, "events")
        name = request.query["fieldSelector"].removeprefix("involvedObject.name=")
        found = [one for one in self.events if one["involvedObject"]["name"] == name]
        return web.json_response({"kind": "EventList", "items": found})

    def warn(self, name: str, reason: str, message: str) -> None:
        """Add a warning about a pod or a job."""
        event = {"type": "Warning", "reason": reason, "message": message}
        seen = f"2026-01-01T00:00:{len(self.events):02}Z"
        self.events.append({**event, "involvedObject": {"name": name}, "lastTimestamp": seen})

    async def _log(self, request: web.Request) -> web.Response:
        lines = self._found(self._may("get", request, "pods"), request).output.splitlines()
        tail = int(request.query.get("tailLines", len(lines)))
        return web.Response(body=b"\n".join(lines[len(lines) - tail :]))

    async def _delete_pod(self, request: web.Request) -> web.Response:
        namespace = self._may("delete", request, "pods")
        pod = self._found(namespace, request)
        del self.pods[namespace, pod.name]
        await self._end(pod)
        return web.json_response(pod.resource)

    async def _end(self, pod: Pod) -> None:
        process = pod.process
        if process is not None and process.returncode is None:
            process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await process.wait()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    # Jobs

    async def _create_job(self, request: web.Request) -> web.Response:
        namespace = self._may("create", request, "jobs")
        job = await request.json()
        _check(job, "Job")
        name = job["metadata"]["name"]
        template = job["spec"]["template"]
        metadata = template.get("metadata", {})
        labels = {**metadata.get("labels", {}), "job-name": name}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**metadata, "name": f"{name[:57]}-x1y2z", "labels": labels},
            "spec": template["spec"],
        }
        self.jobs[namespace, name] = job
        await self._start_pod(namespace, pod)
        return web.json_response(job, status=201)

    async def _list_jobs(self, request: web.Request) -> web.Response:
        namespace = self._may("list", request, "jobs")
        found = [job for (ns, _), job in self.jobs.items() if ns == namespace]
        return web.json_response({"kind": "JobList", "items": _selected(found, request)})

    async def _delete_job(self, request: web.Request) -> web.Response:
        namespace = self._may("delete", request, "jobs")
        name = request.match_info["name"]
        job = self.jobs.pop((namespace, name), None)
        if job is None:
            raise Refused(404, "NotFound", f'jobs.batch "{name}" not found')
        assert request.query["propagationPolicy"] == "Background", "or else its pod stays"
        for key, pod in list(self.pods.items()):
            if pod.resource["metadata"]["labels"].get("job-name") == name:
                del self.pods[key]
                await self._end(pod)
        return web.json_response(job)


class Refused(Exception):
    """A request that is answered with a Status."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.answer = refusal(code, reason, message)


def refusal(code: int, reason: str, message: str) -> web.Response:
    """Return the answer of an API server that refuses a request."""
    status = {"kind": "Status", "status": "Failure", "reason": reason, "message": message}
    return web.json_response({**status, "code": code}, status=code)


def _check(resource: Mapping[str, Any], kind: str) -> None:
    """Refuse what a real server would not take."""
    metadata = resource["metadata"]
    wrong = [value for value in metadata["labels"].values() if not _LABEL.fullmatch(value)]
    spec = resource["spec"] if kind == "Pod" else resource["spec"]["template"]["spec"]
    wrong += [one["name"] for one in spec["containers"] if not _NAME.fullmatch(one["name"])]
    wrong += [
        str(variable)
        for one in spec["containers"]
        for variable in one.get("env", ())
        if not isinstance(variable["value"], str)
    ]
    if not _NAME.fullmatch(metadata["name"]) or wrong or resource["kind"] != kind:
        words = f'{kind} "{metadata["name"]}" is invalid: {wrong}: {spec}'
        raise Refused(422, "Invalid", words)
    if not spec["containers"][0]["image"].strip():
        words = f'{kind} "{metadata["name"]}" is invalid: spec.containers[0].image: Required value'
        raise Refused(422, "Invalid", words)


def _set_state(pod: Pod, phase: str, state: Mapping[str, Any]) -> None:
    name = pod.resource["spec"]["containers"][0]["name"]
    pod.resource["status"] = {
        "phase": phase,
        "containerStatuses": [{"name": name, "state": state}],
    }


def _selected(items: Sequence[dict[str, Any]], request: web.Request) -> list[dict[str, Any]]:
    selectors = [one for one in request.query.get("labelSelector", "").split(",") if one]

    def has(item: Mapping[str, Any], selector: str) -> bool:
        name, is_equal, value = selector.partition("=")
        labels = item["metadata"]["labels"]
        return labels.get(name) == value if is_equal else name in labels

    return [item for item in items if all(has(item, one) for one in selectors)]
