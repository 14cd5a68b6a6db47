"""Requests to Amazon EC2: in threads, with boto3, and with words for what is refused."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from buildbot.interfaces import LatentWorkerFailedToSubstantiate
from buildbot.worker.ec2_choices import explained

UNKNOWN = "unknown"
"""The state of an instance that AWS does not know: not yet, or not any more."""
_ID_FILE = "~/.ec2/aws_id"
_LIVE = ("pending", "running", "stopping", "stopped")
_UNKNOWN_CODE = "InvalidInstanceID.NotFound"


class UnknownInstance(LatentWorkerFailedToSubstantiate):
    """AWS does not know the instance."""


class Account:
    """EC2 in one region, as one account may use it.

    *keys* returns the access key and the secret access key, or None for those that boto3 finds;
    *hidden* what no message may have.
    """

    def __init__(
        self,
        *,
        session: Any,
        region: str | None,
        keys: Callable[[], Awaitable[tuple[str | None, str | None]]],
        hidden: Callable[[], str | None],
    ) -> None:
        self._session = session
        self._region = region
        self._keys = keys
        self._hidden = hidden
        self._client: Any = None
        self._connecting = asyncio.Lock()

    async def call(self, operation: str, method: str, **arguments: Any) -> Any:
        """Call AWS. Raises LatentWorkerFailedToSubstantiate, with what helps."""
        exceptions = importlib.import_module("botocore.exceptions")
        try:
            client = await self._connected()
            return await asyncio.to_thread(getattr(client, method), **arguments)
        except exceptions.ClientError as refused:
            told = refused.response.get("Error") or {}
            code, message = str(told.get("Code")), str(told.get("Message"))
            kind = UnknownInstance if code == _UNKNOWN_CODE else LatentWorkerFailedToSubstantiate
            raise kind(self._shown(explained(code, operation, message))) from None
        except exceptions.BotoCoreError as wrong:
            words = self._shown(f"{operation}: {wrong}")
            raise LatentWorkerFailedToSubstantiate(words) from None

    async def state(self, instance_id: str) -> tuple[str, str]:
        """Return an instance's state, and the reason for it."""
        try:
            answer = await self.call(
                "DescribeInstances", "describe_instances", InstanceIds=[instance_id]
            )
        except UnknownInstance:
            return UNKNOWN, ""
        found = [one for part in answer["Reservations"] for one in part["Instances"]]
        if not found:
            return UNKNOWN, ""
        reason = (found[0].get("StateReason") or {}).get("Message") or ""
        return str(found[0]["State"]["Name"]), str(reason)

    async def tagged(self, tag: str, value: str) -> list[Any]:
        """Return the instances with a tag that are not terminated."""
        filters = [
            {"Name": f"tag:{tag}", "Values": [value]},
            {"Name": "instance-state-name", "Values": list(_LIVE)},
        ]
        more: dict[str, Any] = {}
        found: list[Any] = []
        while True:
            answer = await self.call(
                "DescribeInstances", "describe_instances", Filters=filters, **more
            )
            found += [one for part in answer["Reservations"] for one in part["Instances"]]
            if not answer.get("NextToken"):
                return found
            more = {"NextToken": answer["NextToken"]}

    async def zone(self, letter: str) -> str:
        """Return the name of an availability zone of the region."""
        client = await self._connected()
        return f"{client.meta.region_name}{letter}"

    async def _connected(self) -> Any:
        async with self._connecting:
            if self._client is None:
                identifier, secret = await self._keys()
                self._client = await asyncio.to_thread(self._connect, identifier, secret)
        return self._client

    def _connect(self, identifier: str | None, secret: str | None) -> Any:
        session = self._session or importlib.import_module("boto3.session").Session(
            aws_access_key_id=identifier, aws_secret_access_key=secret
        )
        settings = importlib.import_module("botocore.config").Config(
            connect_timeout=20, read_timeout=60, retries={"mode": "standard", "max_attempts": 5}
        )
        region = self._region or session.region_name or "us-east-1"
        return session.client("ec2", region_name=region, config=settings)

    def _shown(self, words: str) -> str:
        hidden = self._hidden()
        return words.replace(hidden, "<password>") if hidden else words


def keys_in(path: str | None) -> tuple[str | None, str | None]:
    """Return the two keys of a file; None if there is no file at the usual place."""
    file = Path(path or _ID_FILE).expanduser()
    if path is None and not file.exists():
        return None, None
    try:
        identifier, secret = file.read_text().split()[:2]
    except (OSError, ValueError) as wrong:
        raise LatentWorkerFailedToSubstantiate(
            f"{file} must have the access key and the secret access key, a line each: {wrong}"
        ) from None
    return identifier, secret
