"""Workers on instances of Amazon EC2."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import inward
from buildbot._border.errors import error
from buildbot._border.kinds import Given
from buildbot._border.numbers import AMOUNT_OR_NONE, check_constant
from buildbot._border.rendering import is_constant, render_value
from buildbot.interfaces import LatentWorkerFailedToSubstantiate
from buildbot.process.properties import Properties
from buildbot.worker.ec2_account import UNKNOWN, Account, UnknownInstance, keys_in
from buildbot.worker.ec2_choices import bid, device_map, devices, market, newest_image, tags_of
from buildbot.worker.named_instances import NamedInstances
from chargehand.kit.clock import SystemClock

_log = logging.getLogger(__name__)

_POLL_SECONDS = 5.0
_STOP_POLLS = 60
_DAY = timedelta(days=1)


class EC2LatentWorker(NamedInstances):
    """A worker on an instance of Amazon EC2, which exists only while there are builds.

    The worker in the image must connect by itself when the instance has started. ``user_data`` can
    tell it how.

    It needs boto3: ``pip install 'chargehand[ec2]'``. Credentials are ``session``, ``identifier``
    and ``secret_identifier``, the file at ``aws_id_file_path``, or what boto3 finds by itself
    (environment, ``~/.aws``, the role of the instance that the master runs on).

    Args:
        instance_type (str): Such as ``m7g.large``.
        ami (str | None): Identifier of the image.
        valid_ami_owners (str | list[str] | None): Instead of ``ami``: accounts whose newest image
            is taken.
        valid_ami_location_regex (str | None): Instead of ``ami``: the newest image whose location
            matches; it is the one with the greatest groups, numbers being compared as such.
        elastic_ip (str | None): An elastic address for the instance.
        identifier (str | None, renderable): Access key.
        secret_identifier (str | None, renderable): Secret access key.
        aws_id_file_path (str | None): File with the access key and the secret access key, a line
            each; by default ``~/.ec2/aws_id``, if it exists.
        user_data (str | Callable[[dict[str, str]], str] | None, renderable): What the instance gets
            as user data; a function gets the variables BUILDMASTER, BUILDMASTER_PORT,
            BUILDMASTER_PROTOCOL, WORKERNAME and WORKERPASS (the function is Chargehand's own).
        region (str | None): Region, such as ``eu-central-1``; by default that of the session, or
            us-east-1.
        keypair_name (str | None): Key pair of the instance.
        security_name (str | None): Security group, outside of a VPC.
        spot_instance (bool): Whether it is a spot instance.
        max_spot_price (float | None): The most to bid for it, in USD per hour.
        volumes (list[tuple[str, str]] | None): Volumes to attach: identifier and device.
        placement (str | None): Letter of the availability zone in the region.
        price_multiplier (float | None): Bid this much times the average price of the last 24 hours,
            but never more than ``max_spot_price``; None bids ``max_spot_price``.
        tags (dict[str, str] | None): Tags of the instance and its volumes.
        product_description (str): Which spot prices count.
        subnet_id (str | None): Subnet, in a VPC.
        security_group_ids (list[str] | None): Security groups, in a VPC.
        instance_profile_name (str | None): Instance profile: the role that the instance has.
        block_device_map (list[dict[str, Any]] | dict[str, Any] | None): Block devices, as
            ``BlockDeviceMappings`` of AWS, or by device name.
        session (Any): A ``boto3.session.Session``.
        masterFQDN (str | None): Address of the master for ``user_data``; by default this host's
            name (Chargehand's own).
    """

    @own_arguments
    def checkConfig(
        self,
        name: str,
        password: Any,
        instance_type: str,
        ami: str | None = None,
        valid_ami_owners: str | int | Sequence[str | int] | None = None,
        valid_ami_location_regex: str | None = None,
        elastic_ip: str | None = None,
        identifier: Any = None,
        secret_identifier: Any = None,
        aws_id_file_path: str | None = None,
        user_data: Any = None,
        region: str | None = None,
        keypair_name: str | None = None,
        security_name: str | None = None,
        spot_instance: bool = False,
        max_spot_price: float | None = 1.6,
        volumes: Sequence[tuple[str, str]] | None = None,
        placement: str | None = None,
        price_multiplier: float | None = 1.2,
        tags: Mapping[str, str] | None = None,
        product_description: str = "Linux/UNIX",
        subnet_id: str | None = None,
        security_group_ids: Sequence[str] | None = None,
        instance_profile_name: str | None = None,
        block_device_map: Any = None,
        session: Any = None,
        masterFQDN: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Check the arguments, and keep them."""
        super().checkConfig(name, password, **kwargs)
        given = Given(f'worker "{name}"')
        self.instance_type = given.text("instance_type", instance_type)
        self._keep_image(given, ami, valid_ami_owners, valid_ami_location_regex)
        self._keep_account(given, identifier, secret_identifier, aws_id_file_path, session)
        self._keep_place(given, region, placement, subnet_id, security_name, security_group_ids)
        self.elastic_ip = given.text("elastic_ip", elastic_ip)
        self.keypair_name = given.text("keypair_name", keypair_name)
        self._keep_user_data(given, user_data, masterFQDN)
        self.spot_instance = given.flag("spot_instance", spot_instance)
        self.max_spot_price, self.price_multiplier = max_spot_price, price_multiplier
        self.product_description = given.text("product_description", product_description)
        self.volumes = list(given.items("volumes", volumes) or ())
        self.tags = dict(given.mapping("tags", tags, of_text=True) or {})
        self.instance_profile_name = given.text("instance_profile_name", instance_profile_name)
        self.block_device_map = devices(device_map(given, block_device_map))
        self._check()

    def _keep_image(self, given: Given, ami: Any, owners: Any, regex: Any) -> None:
        self.ami = given.text("ami", ami)
        self.valid_ami_owners = _owners(owners)
        self.valid_ami_location_regex = given.text("valid_ami_location_regex", regex)

    def _keep_account(self, given: Given, key: Any, secret: Any, file: Any, session: Any) -> None:
        self.identifier = given.text("identifier", key, is_rendered=True)
        self.secret_identifier = given.text("secret_identifier", secret, is_rendered=True)
        self.aws_id_file_path = given.text("aws_id_file_path", file)
        self.session = given.having("session", session, "client", "a boto3.session.Session")

    def _keep_place(
        self, given: Given, region: Any, zone: Any, subnet: Any, group: Any, groups: Any
    ) -> None:
        self.region = given.text("region", region)
        self.placement = given.text("placement", zone)
        self.subnet_id = given.text("subnet_id", subnet)
        self.security_name = given.text("security_name", group)
        found = given.items("security_group_ids", groups, of_text=True)
        self.security_group_ids = list(found or ())

    def _keep_user_data(self, given: Given, user_data: Any, master: Any) -> None:
        is_text = not callable(user_data)
        self.user_data = (
            given.text("user_data", user_data, is_rendered=True) if is_text else user_data
        )
        self.masterFQDN = given.text("masterFQDN", master)

    def _check(self) -> None:
        where = f'worker "{self.name}"'
        check_constant(where, "max_spot_price", self.max_spot_price, AMOUNT_OR_NONE)
        check_constant(where, "price_multiplier", self.price_multiplier, AMOUNT_OR_NONE)
        if self.spot_instance and self.max_spot_price is None and self.price_multiplier is None:
            error(f"{where}: spot_instance needs max_spot_price, price_multiplier, or both")
        for problem in self._problems():
            error(f"{where}: {problem}")

    def _problems(self) -> list[str]:
        found = []
        if importlib.util.find_spec("boto3") is None:
            found.append("EC2LatentWorker needs boto3: pip install 'chargehand[ec2]'")
        if bool(self.ami) == bool(self.valid_ami_owners or self.valid_ami_location_regex):
            found.append(
                "give either ami, or valid_ami_owners, valid_ami_location_regex or both of them"
            )
        if bool(self.identifier) != bool(self.secret_identifier):
            found.append("identifier and secret_identifier need each other")
        if self.session is not None and self.identifier:
            found.append("give session, or identifier and secret_identifier, not both")
        if self.security_name and self.subnet_id:
            found.append("a subnet takes security_group_ids, not security_name")
        try:
            re.compile(self.valid_ami_location_regex or "")
        except re.error as wrong:
            found.append(f"valid_ami_location_regex is not a regular expression: {wrong}")
        found += [
            f"volumes must be pairs of identifier and device, not {volume!r}"
            for volume in self.volumes
            if not isinstance(volume, list | tuple) or len(volume) != 2
        ]
        return found

    # Its instance

    async def start_instance(self, build: Any) -> list[str]:
        """Start an instance, and wait until it runs."""
        wanted = await self._wanted(build)
        answer = await self._account.call("RunInstances", "run_instances", **wanted)
        instance_id = answer["Instances"][0]["InstanceId"]
        self.instance = {"id": instance_id}
        await self.record_instance(self.instance)
        await self._wait_for(instance_id)
        if self.elastic_ip:
            await self._take_address(instance_id, self.elastic_ip)
        for volume, device in self.volumes:
            await self._account.call(
                *("AttachVolume", "attach_volume"),
                VolumeId=volume,
                InstanceId=instance_id,
                Device=device,
            )
        return [instance_id, wanted["ImageId"]]

    async def check_instance(self) -> tuple[bool, str]:
        """Return whether the instance runs, and why not."""
        if self.instance is None:
            return False, "it has no instance"
        instance_id = self.instance["id"]
        try:
            state, reason = await self._account.state(instance_id)
        except LatentWorkerFailedToSubstantiate as failure:
            _log.warning("cannot look at instance of worker %s: %s", self.name, failure)
            return True, str(failure)
        if state in ("pending", "running", UNKNOWN):
            return True, f"instance {instance_id} is {state}"
        return False, f"instance {instance_id} is {state}" + (f": {reason}" if reason else "")

    # What others left

    def instance_place(self) -> str:
        """Name the region, and whose instances they are."""
        key = self.identifier if isinstance(self.identifier, str) else ""
        return f"EC2 {self.region} {key} {self.aws_id_file_path or ''}"

    async def find_instances(self) -> list[tuple[str, Any]]:
        """Return the instances of this master, by their names."""
        return [
            (tags["chargehand.instance"], {"id": instance["InstanceId"]})
            for instance in await self._account.tagged("chargehand.master", self.fleet_label)
            if "chargehand.instance" in (tags := _tags(instance))
        ]

    async def stop_found_instance(self, value: Mapping[str, str]) -> None:
        """Terminate an instance; it may be gone already."""
        try:
            await self._account.call(
                "TerminateInstances", "terminate_instances", InstanceIds=[value["id"]]
            )
        except UnknownInstance:
            _log.info("instance %s of worker %s is gone already", value["id"], self.name)

    # What it is made of

    async def _wanted(self, build: Any) -> dict[str, Any]:
        """Return the arguments of RunInstances. Its token makes a repeated request harmless."""
        wanted: dict[str, Any] = {
            "ImageId": self.ami or await self._newest_image(),
            "InstanceType": self.instance_type,
            "MinCount": 1,
            "MaxCount": 1,
            "ClientToken": self.instance_name,
            "TagSpecifications": tags_of(
                {"Name": self.instance_name, **self.tags, **self.instance_labels}
            ),
        }
        given = {
            "KeyName": self.keypair_name,
            "SecurityGroups": [self.security_name] if self.security_name else None,
            "SecurityGroupIds": self.security_group_ids,
            "SubnetId": self.subnet_id,
            "UserData": await self._user_data(build),
            "BlockDeviceMappings": self.block_device_map,
        }
        wanted |= {key: value for key, value in given.items() if value}
        if self.instance_profile_name:
            wanted["IamInstanceProfile"] = {"Name": self.instance_profile_name}
        if self.placement:
            wanted["Placement"] = {"AvailabilityZone": await self._account.zone(self.placement)}
        if self.spot_instance:
            wanted["InstanceMarketOptions"] = market(await self._bid())
        return wanted

    async def _user_data(self, build: Any) -> Any:
        if callable(self.user_data) and is_constant(self.user_data):
            data = await inward(self.user_data, self.worker_environment(self.masterFQDN))
        else:
            data = await inward(build.render, self.user_data)
        if data is not None and not isinstance(data, str | bytes):
            raise LatentWorkerFailedToSubstantiate(
                f"user_data must be text, not a {type(data).__name__}"
            )
        return data

    async def _newest_image(self) -> str:
        owners = {"Owners": self.valid_ami_owners} if self.valid_ami_owners else {}
        answer = await self._account.call("DescribeImages", "describe_images", **owners)
        image = newest_image(answer["Images"], self.valid_ami_location_regex)
        if image is None:
            raise LatentWorkerFailedToSubstantiate(
                "no image has one of valid_ami_owners and matches valid_ami_location_regex"
            )
        return str(image["ImageId"])

    async def _bid(self) -> float | None:
        prices: list[str] = []
        if self.price_multiplier is not None:
            zone = (
                {"AvailabilityZone": await self._account.zone(self.placement)}
                if self.placement
                else {}
            )
            answer = await self._account.call(
                *("DescribeSpotPriceHistory", "describe_spot_price_history"),
                InstanceTypes=[self.instance_type],
                ProductDescriptions=[self.product_description],
                StartTime=SystemClock().now() - _DAY,
                **zone,
            )
            prices = [one["SpotPrice"] for one in answer["SpotPriceHistory"]]
        return bid(prices, self.price_multiplier, self.max_spot_price)

    # What becomes of it

    async def _wait_for(self, instance_id: str) -> None:
        """Wait until it runs; the fleet limits how long."""
        while True:
            state, reason = await self._account.state(instance_id)
            if state == "running":
                return
            if state not in ("pending", UNKNOWN):  # AWS may not know a new one for a moment
                words = f"instance {instance_id} is {state}" + (f": {reason}" if reason else "")
                raise LatentWorkerFailedToSubstantiate(words)
            await _pause(_POLL_SECONDS)

    async def _wait_for_end(self, instance_id: str) -> None:
        for _ in range(_STOP_POLLS):
            state, _ = await self._account.state(instance_id)
            if state in ("terminated", UNKNOWN):
                return
            await _pause(_POLL_SECONDS)
        _log.warning("instance %s of worker %s does not end", instance_id, self.name)

    async def _take_address(self, instance_id: str, address: str) -> None:
        answer = await self._account.call(
            "DescribeAddresses", "describe_addresses", PublicIps=[address]
        )
        known = answer["Addresses"][0]
        which = (
            {"AllocationId": known["AllocationId"], "AllowReassociation": True}
            if known.get("AllocationId")
            else {"PublicIp": address}
        )
        await self._account.call(
            "AssociateAddress", "associate_address", InstanceId=instance_id, **which
        )

    async def _named(self, name: str) -> list[dict[str, str]]:
        found = await self._account.tagged("chargehand.instance", name)
        return [{"id": one["InstanceId"]} for one in found]

    async def _has_ended(self, value: dict[str, str]) -> None:
        if self.volumes or self.elastic_ip:
            await self._wait_for_end(value["id"])

    @cached_property
    def _account(self) -> Account:
        return Account(
            session=self.session,
            region=self.region,
            keys=self._keys,
            hidden=lambda: self.worker_password,
        )

    async def _keys(self) -> tuple[str | None, str | None]:
        """Return the access key and the secret access key; None: those that boto3 finds."""
        if self.identifier is None:
            return (None, None) if self.session else keys_in(self.aws_id_file_path)
        properties = Properties()
        properties.master = self.master
        identifier, secret = await render_value(
            [self.identifier, self.secret_identifier], properties
        )
        return identifier, secret


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


def _owners(owners: Any) -> list[str]:
    if owners is None:
        return []
    return [str(one) for one in (owners if isinstance(owners, list | tuple) else [owners])]


def _tags(instance: Mapping[str, Any]) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in instance.get("Tags") or ()}
