"""Services: long-lived parts of the master that users write.

The life of one: it is made in ``master.cfg`` (``checkConfig`` looks at its arguments). When the
master starts ``startService`` runs; the inherited one calls ``reconfigService`` with the same
arguments, as Buildbot's does. All three may be plain, ``async def``, or return a Deferred.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from typing import Any, ClassVar

from twisted.application.service import IServiceCollection, Service

from buildbot._border.argument_errors import checked
from buildbot._border.bridge import answered, answered_within, outward, settled
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error
from buildbot._border.making import place_of_making
from buildbot._border.rendering import render_value
from buildbot._border.stopping import STOP_SECONDS
from buildbot.interfaces import implementer
from buildbot.process.properties import Properties
from chargehand.config.model import Component, HostedSettings
from chargehand.kit.guard import guarded

_log = logging.getLogger(__name__)


class ReconfigurableServiceMixin:
    """A service that wants to see each new configuration."""

    reconfig_priority = 128

    def reconfigServiceWithBuildbotConfig(self, new_config: Any) -> Any:
        """Take over what concerns it."""
        return settled(None)


class AsyncService(Service):
    """A service whose starting and stopping may take time; ``master`` is found by its parent."""

    _master: Any = None

    @property
    def master(self) -> Any:
        """The master; None as long as it is not known."""
        if self._master is None and self.parent is not None:
            return self.parent.master
        return self._master

    @master.setter
    def master(self, master: Any) -> None:
        self._master = master

    def setName(self, name: str) -> None:
        """Name the service."""
        self.name = name

    def setServiceParent(self, parent: Any) -> Any:
        """Become part of *parent*, and run if it runs; returns a Deferred."""
        return outward(self._set_parent(parent))

    def disownServiceParent(self) -> Any:
        """Leave the parent, stopped; returns a Deferred."""
        return outward(self._leave())

    async def _set_parent(self, parent: Any) -> None:
        if self.parent is not None:
            await self._leave()
        self.parent = parent
        parent._adopt(self)
        if parent.running:
            await self._begun()

    async def _leave(self) -> None:
        parent, self.parent = self.parent, None
        if parent is not None:
            parent._release(self)
        if self.running:
            await self._ended()

    async def _begun(self) -> None:
        """Start it, and wait until it has started."""
        await answered(f"startService of {self.name}", self.startService)

    async def _ended(self) -> None:
        """Stop it, and wait until it has stopped."""
        await answered_within(STOP_SECONDS, f"stopService of {self.name}", self.stopService)

    def startService(self) -> Any:
        """Begin to work; subclasses call it first."""
        self.running = 1
        return settled(None)

    def stopService(self) -> Any:
        """Stop working; subclasses call it last."""
        self.running = 0
        return settled(None)


@implementer(IServiceCollection)
class AsyncMultiService(AsyncService):
    """A service with children, which start after it and stop before it."""

    def __init__(self) -> None:
        self.services: list[Any] = []
        self.namedServices: dict[str, Any] = {}

    def __iter__(self) -> Iterator[Any]:
        return iter(self.services)

    def _adopt(self, service: Any) -> None:
        """Take a child."""
        if service.name is not None:
            name = str(service.name)
            if name in self.namedServices:
                raise RuntimeError(f"there is a service named {name!r} already")
            self.namedServices[name] = service
        self.services.append(service)

    def _release(self, service: Any) -> None:
        """Give a child away."""
        name = service.name
        if self.namedServices.get(name) is service:
            del self.namedServices[name]
        if service in self.services:
            self.services.remove(service)

    def addService(self, service: Any) -> Any:
        """Take a child, which may be a service of Twisted's, and start it if this runs; returns a
        Deferred."""
        if isinstance(service, AsyncService) or service.parent is not self:
            return service.setServiceParent(self)
        # A service of Twisted's calls this, having noted its parent.
        self._adopt(service)
        return outward(begin(service)) if self.running else settled(None)

    def removeService(self, service: Any) -> Any:
        """Stop a child and give it away; returns a Deferred."""
        if isinstance(service, AsyncService):
            return service.disownServiceParent()
        self._release(service)
        service.parent = None
        return outward(end(service)) if service.running else settled(None)

    def getServiceNamed(self, name: str) -> Any:
        """Return a child. Raises KeyError."""
        return self.namedServices[name]

    def startService(self) -> Any:
        """Start, with all children."""
        return outward(self._start_all())

    def stopService(self) -> Any:
        """Stop, with all children."""
        return outward(self._stop_all())

    async def _start_all(self) -> None:
        self.running = 1
        for service in self.services:
            await begin(service)

    async def _stop_all(self) -> None:
        for service in reversed(self.services):
            if service.running:
                with guarded(_log, "service %s failed while it was stopped", service.name):
                    await end(service)
        self.running = 0


async def begin(service: Any) -> None:
    """Start a child, and wait until it has started."""
    if isinstance(service, AsyncService):
        await service._begun()
        return
    service.privilegedStartService()
    await answered(f"startService of {service.name}", service.startService)


async def end(service: Any) -> None:
    """Stop a child, and wait until it has stopped."""
    if isinstance(service, AsyncService):
        await service._ended()
        return
    await answered_within(STOP_SECONDS, f"stopService of {service.name}", service.stopService)


class MasterService(AsyncMultiService):
    """A service that is its own master: for the tests of plug-ins."""

    def __init__(self) -> None:
        super().__init__()
        self._master = self


class BuildbotService(AsyncMultiService, ComparableMixin, ReconfigurableServiceMixin):
    """A service that is configured: the constructor's arguments go to `checkConfig`, and when it
    starts to `reconfigService`.

    Keyword arguments named in ``secrets`` are rendered before `reconfigService` sees them.

    Args:
        name (str | None): Name, unique among services of its kind; may be a class attribute.
    """

    compare_attrs: ClassVar[Any] = ("name", "_config_args", "_config_kwargs")
    _set_by_init = "_config_args"
    name: Any = None
    configured = False
    secrets: ClassVar[Any] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._made_at = place_of_making(self)
        name = kwargs.pop("name", None)
        if name is not None:
            self.name = name
        super().__init__()
        self._config_args = args
        self._config_kwargs = kwargs
        if self.name is None:
            error(f"{type(self).__name__}: must pass a name to constructor")
        elif not isinstance(self.name, str):
            error(f"{type(self).__name__}: the name must be a string, not {self.name!r}")
        self._config_kwargs = checked(self.checkConfig, type(self), args, kwargs)

    def checkConfig(self, *args: Any, **kwargs: Any) -> Any:
        """Say by ``buildbot.config.error`` what is wrong with the arguments. Runs at
        ``checkconfig``, too: it must not wait for anything, nor alter anything."""

    def reconfigService(self, name: str | None = None, *args: Any, **kwargs: Any) -> Any:
        """Take over the arguments; called while it starts, and when the configuration changed."""
        return settled(None)

    def reconfigServiceWithSibling(self, sibling: Any) -> Any:
        """Take over the arguments of another object of this class; returns a Deferred."""
        self._config_args = sibling._config_args
        self._config_kwargs = sibling._config_kwargs
        return self.configureService()

    def canReconfigWithSibling(self, sibling: Any) -> bool:
        """Return whether `reconfigServiceWithSibling` will do."""
        return type(self) is type(sibling)

    def getConfigDict(self) -> dict[str, Any]:
        """Return what it is and how it is configured."""
        return {
            "name": self.name,
            "class": f"{type(self).__module__}.{type(self).__qualname__}",
            "args": self._config_args,
            "kwargs": self._config_kwargs,
        }

    def configureService(self) -> Any:
        """Render the secrets among the arguments and call `reconfigService`; a Deferred."""
        return outward(self._configure())

    def renderSecrets(self, *args: Any) -> Any:
        """Return a Deferred of the values, rendered: one, or a list where several are given."""
        return outward(self._render(args))

    async def _configure(self) -> None:
        keywords = dict(self._config_kwargs)
        for key in self.secrets:
            if key in keywords:
                keywords[key] = await self._rendered(keywords[key])
        await answered(
            f"reconfigService of {self.name}", self.reconfigService, *self._config_args, **keywords
        )
        self.configured = True

    async def _render(self, values: tuple[Any, ...]) -> Any:
        rendered = [await self._rendered(value) for value in values]
        return rendered[0] if len(rendered) == 1 else rendered

    async def _rendered(self, value: Any) -> Any:
        properties = Properties()
        properties.master = self.master
        return await render_value(value, properties)

    def startService(self) -> Any:
        """Take over the arguments, then start with all children."""
        if self.configured or set(self.secrets) & set(self._config_kwargs):
            return outward(self._start_all())
        # Here and now: an overriding method may use what is set without waiting for this one.
        taken_over = self.reconfigService(*self._config_args, **self._config_kwargs)
        self.configured = True
        return outward(self._start_after(taken_over))

    async def _begun(self) -> None:
        await super()._begun()
        if not self.configured:
            await self._configure()

    async def _start_after(self, taken_over: Any) -> None:
        await answered(f"reconfigService of {self.name}", lambda: taken_over)
        await self._start_all()

    async def _start_all(self) -> None:
        if not self.configured:
            self.configured = True
            await self._configure()
        await super()._start_all()

    def _as_component(self) -> Component:
        return Component(
            name=str(self.name),
            settings=HostedSettings(runtime=ServiceRuntime(self)),
            extension=self,
        )


class ServiceRuntime:
    """A service of the configuration, as the engine runs it."""

    def __init__(self, service: BuildbotService) -> None:
        self._service = service

    async def start(self) -> None:
        """Configure and start it."""
        master = self._service.master
        if master is None:
            await self._service._begun()
        else:
            await self._service._set_parent(master)

    async def stop(self) -> None:
        """Stop it."""
        await self._service._leave()


class ClusteredBuildbotService(BuildbotService):
    """A service that is active at one master only: `activate` and `deactivate` say when."""

    active = False
    """Whether it works here; true already while it is activated."""

    def activate(self) -> Any:
        """Begin to work here."""
        return settled(None)

    def deactivate(self) -> Any:
        """Work no more here."""
        return settled(None)

    def isActive(self) -> bool:
        """Return whether it works here."""
        return bool(self.running)

    async def _start_all(self) -> None:
        await super()._start_all()
        self.active = True
        await answered(f"activate of {self.name}", self.activate)

    async def _stop_all(self) -> None:
        with guarded(_log, "service %s failed while it was deactivated", self.name):
            await answered_within(STOP_SECONDS, f"deactivate of {self.name}", self.deactivate)
        self.active = False
        await super()._stop_all()


class BuildbotServiceManager(AsyncMultiService, ComparableMixin, ReconfigurableServiceMixin):
    """A service whose children are configured under ``config_attr``."""

    config_attr = "services"
    name: Any = "services"


class SharedService(AsyncMultiService):
    """A service that several others share: `getService` gives those with equal arguments one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    @classmethod
    def getName(cls, *args: Any, **kwargs: Any) -> str:
        """Return the name that goes with the arguments."""
        text = repr((args, sorted(kwargs.items())))
        return f"{cls.__name__}_{hashlib.sha1(text.encode()).hexdigest()}"

    @classmethod
    def getService(cls, parent: Any, *args: Any, **kwargs: Any) -> Any:
        """Return a Deferred of the running service with these arguments."""
        return outward(cls._found(parent, args, kwargs))

    @classmethod
    async def _found(cls, parent: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        name = cls.getName(*args, **kwargs)
        service = parent.namedServices.get(name)
        if service is None:
            service = cls(*args, **kwargs)
            service.setName(name)
            await service._set_parent(parent)
        return service
