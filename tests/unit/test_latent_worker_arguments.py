"""Arguments of workers in clouds: a wrong kind of value is an error that names the argument."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from buildbot._border.errors import ConfigErrors
from buildbot.plugins import util, worker
from buildbot.worker import libvirt

CLUSTER = util.KubeHardcodedConfig(master_url="http://cluster")
WORKERS: dict[str, dict[str, Any]] = {
    "DockerLatentWorker": {"docker_host": "tcp://docker:2375", "image": "i"},
    "EC2LatentWorker": {"instance_type": "m7g.large", "ami": "ami-1"},
    "KubeLatentWorker": {"kube_config": CLUSTER},
    "LibVirtWorker": {"hd_image": "/disk"},
    "MarathonLatentWorker": {"marathon_url": "http://marathon", "image": "i"},
    "OpenStackLatentWorker": {"flavor": "f", "image": "i", "os_auth_url": "http://cloud"},
    "UpcloudLatentWorker": {"api_username": "u", "api_password": "p", "image": "i"},
}
LATER = util.Interpolate("%(prop:a)s")
PAIRS = {"identifier", "secret_identifier"}
"""Arguments that need each other."""


@pytest.fixture(autouse=True)
def _libvirt_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    find = libvirt.importlib.util.find_spec
    monkeypatch.setattr(
        libvirt.importlib.util, "find_spec", lambda name: name == "libvirt" or find(name)
    )


def made(kind: str, **arguments: Any) -> Any:
    return getattr(worker, kind)(name="w", **{"password": "pw", **WORKERS[kind], **arguments})


def cases() -> list[tuple[str, str]]:
    return [
        (kind, name)
        for kind in WORKERS
        for name, one in inspect.signature(getattr(worker, kind).checkConfig).parameters.items()
        if name not in {"self", "name"} and one.kind is not one.VAR_KEYWORD
    ]


def is_documented_as_renderable(kind: str, argument: str) -> bool:
    described = [one.__doc__ or "" for one in getattr(worker, kind).__mro__]
    found = re.search(rf"^        {argument} \((.*?)\):", "\n".join(described), re.MULTILINE)
    return found is not None and "renderable" in found[1]


@pytest.mark.parametrize(("kind", "argument"), cases())
def test_a_wrong_kind_of_value_is_refused_by_the_argument_s_name(kind: str, argument: str):
    with pytest.raises(ConfigErrors, match=argument):
        made(kind, **{argument: object()})


@pytest.mark.parametrize(("kind", "argument"), [one for one in cases() if one[1] not in PAIRS])
def test_what_the_documentation_calls_renderable_may_be_renderable_as_a_whole_and_nothing_else(
    kind: str, argument: str
):
    if is_documented_as_renderable(kind, argument):
        made(kind, **{argument: LATER})
    else:
        with pytest.raises(ConfigErrors, match=argument):
            made(kind, **{argument: LATER})


@pytest.mark.parametrize(
    "argument", ["max_builds", "build_wait_timeout", "missing_timeout", "keepalive_interval"]
)
def test_numbers_of_workers_are_never_renderable(argument: str):
    with pytest.raises(ConfigErrors, match=f"{argument} must be"):
        made("DockerLatentWorker", **{argument: LATER})


@pytest.mark.parametrize("version", ["2", 2, 2.1, "2.53", "2.latest", "1.1", None])
def test_versions_of_openstack_may_be_what_novaclient_takes(version: Any):
    assert made("OpenStackLatentWorker", client_version=version).client_version in {
        "2",
        "2.1",
        "2.53",
        "2.latest",
    }


@pytest.mark.parametrize(
    ("kind", "arguments", "told"),
    [
        ("EC2LatentWorker", {"tags": {"n": 1}}, "tags must be a dictionary of strings, not"),
        (
            "EC2LatentWorker",
            {"security_group_ids": "sg-1"},
            "a list of strings, not 'sg-1'",
        ),
        ("EC2LatentWorker", {"block_device_map": {"/dev/a": 5}}, "must be a dictionary, not 5"),
        ("EC2LatentWorker", {"spot_instance": "no"}, "must be True or False, not 'no'"),
        (
            "EC2LatentWorker",
            {"region": util.Interpolate("x")},
            "region must be a string, not",
        ),
        ("DockerLatentWorker", {"command": ["sleep", 5]}, "command must be a list of strings"),
        ("DockerLatentWorker", {"volumes": "/a:/b"}, "volumes must be a list of strings"),
        ("KubeLatentWorker", {"kube_extra_labels": {"a": 1}}, "must be a dictionary of strings"),
        ("MarathonLatentWorker", {"marathon_auth": ("ci",)}, "a pair of user and password"),
        ("OpenStackLatentWorker", {"meta": ["a"]}, r"meta must be a dictionary, not \['a'\]"),
        ("OpenStackLatentWorker", {"client_version": "v2"}, "client_version must be 2, or 2 with"),
        ("OpenStackLatentWorker", {"client_version": True}, "client_version must be 2, or 2 with"),
        ("DockerLatentWorker", {"version": 1.41}, 'such as "1.41", not 1.41'),
        ("DockerLatentWorker", {"version": "v1.41"}, "version must be a version of the engine's"),
        ("DockerLatentWorker", {"password": 1234}, "password must be a string, not 1234"),
        ("EC2LatentWorker", {"session": "default"}, "session must be a boto3.session.Session"),
    ],
)
def test_the_message_says_what_it_must_be(kind: str, arguments: dict[str, Any], told: str):
    with pytest.raises(ConfigErrors, match=told):
        made(kind, **arguments)


def test_what_is_rendered_may_be_renderable_and_paths_may_be_paths():
    later = LATER

    made("DockerLatentWorker", image=later, command=["sh", later], volumes=later, buildargs=later)
    made("EC2LatentWorker", user_data=len, aws_id_file_path=Path(__file__), spot_instance=1)
    made("KubeLatentWorker", image=later, namespace=later, masterFQDN=lambda: "ci")
    made("LibVirtWorker", hd_image=Path("/disk"), base_image=Path("/base"))
    made("MarathonLatentWorker", image=later, marathon_auth=("ci", util.Secret("x")))
    made("OpenStackLatentWorker", flavor=5, image=max, os_password=util.Secret("x"))
    made("UpcloudLatentWorker", image=later, hostconfig={"user_data": later})
