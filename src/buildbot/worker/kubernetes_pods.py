"""What is said to Kubernetes of a worker's pod, and what Kubernetes says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from buildbot.util.rest import RestError, words_of

_HOPELESS = frozenset(
    {"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError"}
)
"""Why a container waits when it will not start by itself."""
_LONGEST_LABEL = 63
_MOST_WARNINGS = 3
_LONGEST_WARNING = 300


def labels_of(instance: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of a pod; values with characters that labels must not have are changed."""
    return {**more, **{name: label(value) for name, value in instance.items()}}


def label(value: str) -> str:
    """Return a value as a label may have it."""
    cut = re.sub(r"[^A-Za-z0-9_.-]", "-", value)[:_LONGEST_LABEL]
    return cut.strip("_.-")


def variables(environment: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return environment variables in the form of a container's specification."""
    return [{"name": name, "value": str(value)} for name, value in environment.items()]


def job_of(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job that runs a pod once."""
    metadata = dict(pod["metadata"])
    template = {"metadata": {**metadata}, "spec": pod["spec"]}
    del template["metadata"]["name"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {"backoffLimit": 0, "template": template},
    }


def problem_of(pod: Mapping[str, Any]) -> str | None:
    """Return why a pod's worker is not going to connect; None while it may."""
    status = pod.get("status") or {}
    ended = ", ".join(_ended(status))
    if status.get("phase") == "Failed":
        told = (status.get("reason"), " ".join(str(status.get("message") or "").split()))
        why = ": ".join(str(part) for part in told if part)
        return "; ".join(part for part in (why, ended) if part) or "it failed"
    if status.get("phase") == "Succeeded":
        return f"it ended: {ended}" if ended else "it ended"
    if (pod.get("metadata") or {}).get("deletionTimestamp"):
        return "it was deleted"
    for container in _containers(status):
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in _HOPELESS:
            words = " ".join(str(waiting.get("message") or "").split())
            reason = f'container "{container.get("name")}": {waiting["reason"]}'
            return f"{reason}: {words}" if words else reason
    return None


def waits_for(pod: Mapping[str, Any]) -> str:
    """Return what a pod that does not run waits for, as far as Kubernetes says so."""
    status = pod.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return str(condition.get("message") or condition.get("reason") or "")
    return ""


def phase_of(pod: Mapping[str, Any]) -> str:
    """Return what a pod does, in a word: "pending", "running"."""
    return str((pod.get("status") or {}).get("phase") or "Pending").lower()


def warnings_of(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what the latest warnings among events say, each kind of warning once."""
    warnings = [one for one in events if one.get("type") == "Warning"]
    latest = {str(one.get("reason")): one for one in sorted(warnings, key=_seen_at)}
    newest = sorted(latest.values(), key=_seen_at)[-_MOST_WARNINGS:]
    return [_words_of(one) for one in newest]


def _seen_at(event: Mapping[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _words_of(event: Mapping[str, Any]) -> str:
    words = " ".join(str(event.get("message") or "").split())
    cut = words if len(words) <= _LONGEST_WARNING else f"{words[:_LONGEST_WARNING]}…"
    return f"{event.get('reason')}: {cut}"


def _containers(status: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _ended(status: Mapping[str, Any]) -> Iterator[str]:
    for container in _containers(status):
        ended = (container.get("state") or {}).get("terminated")
        if ended and (ended.get("exitCode") or ended.get("reason") != "Completed"):
            reason = ended.get("reason") or "Error"
            name = container.get("name")
            yield f'container "{name}" exited with {ended.get("exitCode")} ({reason})'
        elif ended:
            yield f'container "{container.get("name")}" has ended'


def explained(failure: RestError, verb: str, resource: str, namespace: str) -> str:
    """Return what a refused request means, and what helps."""
    said = words_of(failure.content)
    match failure.status:
        case 401:
            return f"the cluster does not accept the credentials of kube_config: {said}"
        case 403 if "exceeded quota" in said:
            return f'the quota of namespace "{namespace}" is used up: {said}'
        case 403:
            return (
                f"the cluster does not allow this account to {verb} {resource} in namespace "
                f'"{namespace}": give it a role with the verb "{verb}" on "{resource}" ({said})'
            )
        case 404 if verb == "create":
            return f'namespace "{namespace}" does not exist: {said}'
    return str(failure)
