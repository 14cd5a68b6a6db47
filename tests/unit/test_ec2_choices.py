"""What an instance of EC2 is made of, before AWS is asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildbot._border.errors import collecting
from buildbot.plugins import worker
from buildbot.worker.ec2_choices import bid, devices, explained, market, newest_image


def image(location: str) -> dict[str, str]:
    return {"ImageId": f"ami {location}", "ImageLocation": location}


def newest(pattern: str | None, *locations: str) -> str | None:
    found = newest_image(map(image, locations), pattern)
    return None if found is None else found["ImageLocation"]


def test_numbers_in_the_location_count_as_numbers() -> None:
    pattern = r"builder/debian-(\d+)-"

    assert newest(pattern, "builder/debian-9-a", "builder/debian-12-a") == "builder/debian-12-a"


def test_what_is_not_a_number_in_all_of_them_counts_as_text() -> None:
    assert newest(r"image-(\w+)", "image-9", "image-12", "image-b") == "image-b"
    assert newest(r"image-(\w+)", "image-9", "image-12", "image-1b") == "image-9"


def test_without_groups_the_location_decides() -> None:
    assert newest(None, "b", "a") == "b"
    assert newest("c", "b", "a") is None


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=1))
def test_the_greatest_version_is_taken(versions: list[tuple[int, int]]) -> None:
    locations = [f"image-{major}.{minor}" for major, minor in versions]

    major, minor = max(versions)

    assert newest(r"image-(\d+)\.(\d+)$", *locations) == f"image-{major}.{minor}"


def test_the_bid_is_a_multiple_of_the_average_price_but_never_more_than_the_most() -> None:
    assert bid(["0.1", "0.3"], 1.5, 1.6) == pytest.approx(0.3)
    assert bid(["0.1", "0.3"], 1.5, None) == pytest.approx(0.3)
    assert bid(["1", "2"], 1.2, 1.6) == 1.6
    assert bid(["0.1"], None, 1.6) == 1.6
    assert bid([], 1.2, 1.6) == 1.6
    assert bid([], 1.2, None) is None


def test_a_spot_instance_ends_when_it_is_outbid() -> None:
    assert market(0.25)["SpotOptions"] == {
        "SpotInstanceType": "one-time",
        "InstanceInterruptionBehavior": "terminate",
        "MaxPrice": "0.250000",
    }
    assert "MaxPrice" not in market(None)["SpotOptions"]


def test_block_devices_may_come_by_their_names() -> None:
    device = {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 20}}
    made = {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 20, "DeleteOnTermination": True}}

    assert devices({"/dev/sda1": {"Ebs": {"VolumeSize": 20}}}) == devices([device]) == [made]
    assert devices(None) == []


def test_a_volume_outlives_its_instance_only_where_that_is_configured() -> None:
    given = [
        {"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 20, "DeleteOnTermination": False}},
        {"DeviceName": "/dev/sdc", "VirtualName": "ephemeral0"},
        {"DeviceName": "/dev/sdd", "NoDevice": ""},
    ]
    assert devices(given) == given


def test_a_permission_that_is_missing_is_named() -> None:
    said = explained("UnauthorizedOperation", "RunInstances", "You are not authorized. Encoded …")

    assert said == "AWS does not allow ec2:RunInstances: give the user or role that permission"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("InsufficientInstanceCapacity", "another instance_type, placement or subnet_id may have"),
        ("VcpuLimitExceeded", "ask AWS for a larger quota"),
        ("SpotMaxPriceTooLow", "raise max_spot_price or price_multiplier"),
    ],
)
def test_what_aws_cannot_give_is_told_with_what_helps(code: str, words: str) -> None:
    said = explained(code, "RunInstances", "Not today.")

    assert said.startswith(f"RunInstances: Not today ({code}): ")
    assert words in said


def test_credentials_that_have_expired_are_not_called_wrong() -> None:
    said = explained("RequestExpired", "RunInstances", "Request has expired.")

    assert said.startswith("AWS does not accept the credentials any longer: Request has expired")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "give either ami, or valid_ami_owners, valid_ami_location_regex or both of them"),
        ({"ami": "a", "valid_ami_owners": 123}, "give either ami, or valid_ami_owners"),
        ({"ami": "a", "identifier": "k"}, "identifier and secret_identifier need each other"),
        ({"valid_ami_location_regex": "("}, "valid_ami_location_regex is not a regular expression"),
        ({"ami": "a", "volumes": ["vol-1"]}, "volumes must be pairs of identifier and device"),
        ({"ami": "a", "security_name": "s", "subnet_id": "n"}, "a subnet takes security_group_ids"),
        (
            {"ami": "a", "spot_instance": True, "max_spot_price": None, "price_multiplier": None},
            "spot_instance needs max_spot_price, price_multiplier, or both",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_told(arguments: dict[str, Any], words: str) -> None:
    with collecting() as found:
        worker.EC2LatentWorker("arm-7", "secret", "m7g.large", **arguments)

    assert [one for one in found.errors if words in one.message]


def test_the_documented_positions_are_kept() -> None:
    made = worker.EC2LatentWorker("arm-7", "secret", "m7g.large", None, ["self"], max_builds=2)

    assert (made.instance_type, made.valid_ami_owners) == ("m7g.large", ["self"])
    assert made.max_builds == 2
