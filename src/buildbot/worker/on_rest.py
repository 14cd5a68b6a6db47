"""What latent workers have in common whose instances are made by requests to a REST interface."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Unpack

from buildbot.interfaces import LatentWorkerFailedToSubstantiate
from buildbot.util.rest import Access, Answer, Request, RestClient, RestError
from buildbot.worker.named_instances import NamedInstances

_log = logging.getLogger(__name__)


class NotThere(LatentWorkerFailedToSubstantiate):
    """The service does not know what was asked for."""


class WorkerOnRest(NamedInstances):
    """A latent worker of a service with a REST interface.

    Subclasses say how the service is reached (`_access`), list what they have there (`_listed`),
    look at an instance (`_problem`), and delete it (`_delete`). ``instance`` is a dictionary of
    plain data.
    """

    _service = ""

    async def _access(self) -> Access:
        """Return how the service is reached. Raises RestError."""
        raise NotImplementedError

    async def _listed(self) -> list[tuple[Mapping[str, str], Any]]:
        """Return the labels and the value of all instances at the service."""
        raise NotImplementedError

    async def _delete(self, value: Any) -> None:
        """Delete an instance. Raises NotThere."""
        raise NotImplementedError

    async def _problem(self, value: Any) -> str:
        """Return why the instance's worker is not going to connect; empty while it may."""
        raise NotImplementedError

    async def check_instance(self) -> tuple[bool, str]:
        """Return whether the instance's worker may still connect, and why not."""
        if self.instance is None:
            return False, "it has no instance"
        try:
            problem = await self._problem(self.instance)
        except NotThere:
            return False, f"it was deleted: {self.instance}"
        except LatentWorkerFailedToSubstantiate as failure:
            _log.warning("cannot look at the instance of worker %s: %s", self.name, failure)
            return True, str(failure)
        return not problem, problem

    async def find_instances(self) -> list[tuple[str, Any]]:
        """Return the instances of this master, by their names."""
        return [
            (labels["chargehand.instance"], value)
            for labels, value in await self._listed()
            if labels.get("chargehand.master") == self.fleet_label
            and "chargehand.instance" in labels
        ]

    async def stop_found_instance(self, value: Any) -> None:
        """Delete an instance; it may be gone already."""
        try:
            await self._delete(value)
        except NotThere:
            _log.info("instance %s of worker %s is gone already", value, self.name)

    async def _named(self, name: str) -> list[Any]:
        found = await self._listed()
        return [value for labels, value in found if labels.get("chargehand.instance") == name]

    async def _ask(self, method: str, path: str, **request: Unpack[Request]) -> Any:
        """Return the content of an answer. Raises LatentWorkerFailedToSubstantiate."""
        return (await self._answer(self._client, method, path, **request)).content

    async def _answer(
        self, client: RestClient, method: str, path: str, **request: Unpack[Request]
    ) -> Answer:
        try:
            return await client.request(method, path, **request)
        except RestError as failure:
            kind = NotThere if failure.status == 404 else LatentWorkerFailedToSubstantiate
            raise kind(self._without_password(self._explained(failure))) from None

    def _explained(self, failure: RestError) -> str:
        if failure.status in (401, 403):
            return f"{failure} (check the credentials, and what they allow)"
        return str(failure)

    @cached_property
    def _client(self) -> RestClient:
        return RestClient(self._service, self._access)

    def _without_password(self, text: str) -> str:
        password = self.worker_password
        return text.replace(password, "<password>") if password else text
