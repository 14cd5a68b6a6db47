"""`EC2LatentWorker` and its guide against moto's server, which keeps instances and runs none."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from connections import free_port
from installed_master import SUCCESS, InstalledMaster
from moto.server import ThreadedMotoServer
from waiting import until

from buildbot.interfaces import LatentWorkerFailedToSubstantiate
from buildbot.plugins import util, worker
from buildbot.process.properties import Properties

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

_GUIDE = (Path(__file__).parents[2] / "docs/how-to/build-on-ec2.md").read_text()

_REGION = "eu-central-1"
_NAME = "chargehand-3f2a9c0d1e-arm-7-12-1"
_PASSWORD = "known-to-this-instance-only"
_LABELS = {
    "chargehand.master": "3f2a9c0d1e",
    "chargehand.worker": "arm-7",
    "chargehand.epoch": "12",
    "chargehand.instance": _NAME,
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture
def ec2(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a client of a fresh server."""
    for name, value in (
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret key"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
    ):
        monkeypatch.setenv(name, value)
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST"))

    async def pause(seconds: float) -> None:
        pass

    monkeypatch.setattr("buildbot.worker.ec2._pause", pause)
    return boto3.client("ec2", region_name=_REGION)


@pytest.fixture
def ami(ec2: Any) -> str:
    return str(ec2.register_image(Name="builder", ImageLocation="own/builder-1")["ImageId"])


def made(ami: str | None = None, **arguments: Any) -> Any:
    """Return a worker, as the fleet prepares it before its instance is started."""
    arguments = {"region": _REGION, "ami": ami, "masterFQDN": "10.0.0.1:9989", **arguments}
    found = worker.EC2LatentWorker("arm-7", None, "m5.large", **arguments)
    found.instance_name, found.instance_labels = _NAME, dict(_LABELS)
    found.fleet_label = _LABELS["chargehand.master"]
    found.worker_password = _PASSWORD
    found.recorded = []

    async def keep(value: object) -> None:
        found.recorded.append(value)

    found._keep = keep
    return found


def instances(ec2: Any) -> list[Any]:
    answer = ec2.describe_instances()["Reservations"]
    return [one for part in answer for one in part["Instances"]]


def live(ec2: Any) -> list[str]:
    return [one["InstanceId"] for one in instances(ec2) if one["State"]["Name"] != "terminated"]


async def test_an_instance_is_started_with_tags_and_terminated(ec2: Any, ami: str) -> None:
    arm = made(ami, tags={"team": "tools"}, user_data=util.Interpolate("release %(prop:release)s"))

    told = await arm.start_instance(Properties(release=3))

    (instance,) = instances(ec2)
    assert told == [instance["InstanceId"], ami]
    assert arm.recorded == [{"id": instance["InstanceId"]}]
    tags = {one["Key"]: one["Value"] for one in instance["Tags"]}
    assert tags == {"Name": _NAME, "team": "tools", **_LABELS}
    data = ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute="userData")
    assert base64.b64decode(data["UserData"]["Value"]) == b"release 3"
    assert await arm.check_instance() == (True, f"instance {instance['InstanceId']} is running")

    await arm.stop_instance()

    assert live(ec2) == []
    await arm.stop_instance()


async def test_a_function_tells_the_instance_how_to_connect(ec2: Any, ami: str) -> None:
    heard: list[dict[str, str]] = []

    def data(environment: dict[str, str]) -> str:
        heard.append(environment)
        return "#!/bin/sh"

    await made(ami, user_data=data).start_instance(Properties())

    assert heard[0]["WORKERPASS"] == _PASSWORD
    assert heard[0]["BUILDMASTER_PORT"] == "9989"


async def test_a_spot_instance_with_all_that_it_may_have(ec2: Any, ami: str) -> None:
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = ec2.create_security_group(GroupName="builders", Description="-", VpcId=subnet["VpcId"])[
        "GroupId"
    ]
    address = ec2.allocate_address(Domain="vpc")
    volume = ec2.create_volume(AvailabilityZone=subnet["AvailabilityZone"], Size=1)["VolumeId"]
    arm = made(
        ami,
        spot_instance=True,
        max_spot_price=9.0,
        placement=subnet["AvailabilityZone"][-1],
        subnet_id=subnet["SubnetId"],
        security_group_ids=[group],
        elastic_ip=address["PublicIp"],
        volumes=[(volume, "/dev/sdf")],
        block_device_map={"/dev/sda1": {"Ebs": {"VolumeSize": 20}}},
    )

    await arm.start_instance(Properties())

    (instance,) = instances(ec2)
    assert instance["InstanceLifecycle"] == "spot"
    assert instance["Placement"]["AvailabilityZone"] == subnet["AvailabilityZone"]
    assert [one["GroupId"] for one in instance["SecurityGroups"]] == [group]
    assert instance["PublicIpAddress"] == address["PublicIp"]
    attached = {one["DeviceName"] for one in instance["BlockDeviceMappings"]}
    assert attached == {"/dev/sda1", "/dev/sdf"}
    await arm.stop_instance()
    assert live(ec2) == []

    arm.instance_name += "2"  # One that is being terminated may still have the address.
    await arm.start_instance(Properties())
    (instance,) = [one for one in instances(ec2) if one["State"]["Name"] == "running"]
    assert instance["PublicIpAddress"] == address["PublicIp"]


async def test_an_instance_outside_of_a_vpc_with_a_profile_by_a_session(
    ec2: Any, ami: str, endpoint: str
) -> None:
    ec2.create_key_pair(KeyName="ci")
    ec2.create_security_group(GroupName="builders", Description="-")
    session = boto3.session.Session("key", "secret key", region_name=_REGION)
    iam = session.client("iam")
    iam.create_instance_profile(InstanceProfileName="builder")
    arm = made(
        ami,
        region=None,
        session=session,
        keypair_name="ci",
        security_name="builders",
        instance_profile_name="builder",
        block_device_map=[{"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 1}}],
    )

    await arm.start_instance(Properties())

    (instance,) = instances(ec2)
    assert instance["KeyName"] == "ci"
    assert [one["GroupName"] for one in instance["SecurityGroups"]] == ["builders"]
    assert instance["IamInstanceProfile"]["Arn"].endswith(":instance-profile/builder")
    (disk,) = (
        one["Ebs"] for one in instance["BlockDeviceMappings"] if one["DeviceName"] == "/dev/sdb"
    )
    assert disk["DeleteOnTermination"]
    await arm.stop_instance()
    volumes = [one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]]
    assert disk["VolumeId"] not in volumes


async def test_an_address_that_is_not_there_ends_the_instance(ec2: Any, ami: str) -> None:
    arm = made(ami, elastic_ip="203.0.113.7")
    with pytest.raises(LatentWorkerFailedToSubstantiate, match=r"DescribeAddresses: .*203"):
        await arm.start_instance(Properties())

    await arm.stop_instance()  # as the fleet does after each start that fails

    assert live(ec2) == []


async def test_an_image_is_found_by_its_owner(ec2: Any, ami: str) -> None:
    keys = {"identifier": "key", "secret_identifier": "secret key"}
    _, image = await made(valid_ami_owners="self", **keys).start_instance(Properties())

    assert image == ami


async def test_what_a_killed_master_started_is_found_by_its_tag(ec2: Any, ami: str) -> None:
    first = made(ami)
    await first.start_instance(Properties())
    other = made(ami)
    other.instance_name = "chargehand-0000000000-arm-7-1-1"
    other.instance_labels = {**_LABELS, "chargehand.master": "0000000000"}
    other.instance_labels["chargehand.instance"] = other.instance_name
    await other.start_instance(Properties())
    later = made(ami)

    assert await later.find_instances() == [(_NAME, first.instance)]
    await later.stop_instance()  # it knows the name only

    assert await later.find_instances() == []
    assert live(ec2) == [other.instance["id"]]
    await later.stop_found_instance({"id": "i-0123456789abcdef0"})  # gone long ago


async def test_what_aws_refuses_is_told_in_words(
    ec2: Any, ami: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LatentWorkerFailedToSubstantiate, match=r"RunInstances: .*subnet-0123456"):
        await made(ami, subnet_id="subnet-0123456").start_instance(Properties())
    with pytest.raises(LatentWorkerFailedToSubstantiate, match="no image has one of"):
        await made(valid_ami_location_regex="none").start_instance(Properties())
    with pytest.raises(LatentWorkerFailedToSubstantiate) as refusal:
        await made(ami, user_data=lambda environment: environment).start_instance(Properties())
    assert str(refusal.value) == "user_data must be text, not a dict"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(LatentWorkerFailedToSubstantiate, match="Could not connect"):
        await made(ami).start_instance(Properties())


async def test_an_instance_that_was_stopped_by_somebody_is_given_up(ec2: Any, ami: str) -> None:
    arm = made(ami)
    instance_id, _ = await arm.start_instance(Properties())

    ec2.terminate_instances(InstanceIds=[instance_id])

    is_good, words = await arm.check_instance()
    assert not is_good
    assert words.startswith(f"instance {instance_id} is terminated")


async def test_keys_may_come_from_a_file(ec2: Any, ami: str, tmp_path: Any) -> None:
    file = tmp_path / "aws_id"
    file.write_text("key\nsecret\n")

    await made(ami, aws_id_file_path=str(file)).start_instance(Properties())

    with pytest.raises(LatentWorkerFailedToSubstantiate, match="a line each"):
        file.write_text("key")
        await made(ami, aws_id_file_path=str(file)).start_instance(Properties())


# The guide


async def test_the_guide_s_master_builds_on_an_instance(
    ec2: Any, ami: str, master: InstalledMaster, tmp_path: Path
) -> None:
    """moto runs nothing: the test does what an instance would do with its user data."""
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = ec2.create_security_group(GroupName="builders", Description="-", VpcId=subnet["VpcId"])[
        "GroupId"
    ]
    port = free_port()
    code = "".join(re.findall(r"^```python\n(.*?)^```$", _GUIDE, re.MULTILINE | re.DOTALL))
    for old, new in (
        ("        valid_ami_location_regex=r'\\d+/builder-(\\d+)$',  # the newest of them\n", ""),
        ("subnet-0123456789abcdef0", subnet["SubnetId"]),
        ("sg-0123456789abcdef0", group),
        ("ci.example.org:8010", f"127.0.0.1:{port}"),
        ("15 * 60", "0"),
        ("range(4)", "range(1)"),
        ("keypair_name='ci',", ""),
    ):
        assert old in code, old
        code = code.replace(old, new)
    www = f"c['www'] = {{'port': 'tcp:{port}:interface=127.0.0.1'}}\n"
    master.write(www + code + "add('b', sh('echo built'), workernames=['ec2-0'])\n")
    await asyncio.to_thread(master.start)
    request = await asyncio.to_thread(master.force, "b")

    await until(lambda: bool(instances(ec2)))
    (instance,) = instances(ec2)
    data = ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute="userData")
    script = base64.b64decode(data["UserData"]["Value"]).decode()
    for old, new in (
        ("su builder", "sh"),
        ("/home/builder", str(tmp_path)),
        ("/opt/worker/bin/", ""),
    ):
        assert old in script, old
        script = script.replace(old, new)
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    subprocess.run(["sh", "-c", script], check=True, env={"PATH": path, "HOME": str(tmp_path)})
    try:
        await asyncio.to_thread(master.completed, request, 90.0)
        (build,) = await asyncio.to_thread(master.builds_of, request)
        assert build["results"] == SUCCESS, master.log
        await until(lambda: not live(ec2))
    finally:
        subprocess.run(
            ["chargehand-worker", "stop", str(tmp_path / "worker")],
            env={"PATH": path, "HOME": str(tmp_path)},
            check=False,
        )
