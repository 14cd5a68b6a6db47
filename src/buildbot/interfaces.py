"""The interfaces that extension code implements or asks for, and the errors that belong to them."""

from __future__ import annotations

from typing import Any

from zope.interface import Attribute, Interface, implementer
from zope.interface.interface import InterfaceClass

from buildbot._border.finder import old_names_of
from buildbot._border.rendering import IRenderable

__all__ = [
    "Attribute",
    "BuildbotNetworkError",
    "BuilderInUseError",
    "IBuildStep",
    "IBuildStepFactory",
    "IChangeSource",
    "IConfigLoader",
    "IConfigurator",
    "IConfigured",
    "IEmailLookup",
    "IEmailSender",
    "IHttpResponse",
    "ILatentMachine",
    "ILatentWorker",
    "ILogObserver",
    "IMachine",
    "IMachineAction",
    "IPlugin",
    "IProperties",
    "IRenderable",
    "IReportGenerator",
    "IScheduler",
    "ISourceStamp",
    "ITriggerableScheduler",
    "IWorker",
    "Interface",
    "LatentWorkerCannotSubstantiate",
    "LatentWorkerFailedToSubstantiate",
    "LatentWorkerSubstantiatiationCancelled",
    "ParameterError",
    "WorkerSetupError",
    "implementer",
]


class BuilderInUseError(Exception):
    """The builder has work to do."""


class WorkerSetupError(Exception):
    """The worker cannot do what the step needs."""


class LatentWorkerFailedToSubstantiate(Exception):
    """A latent worker did not start; another attempt may succeed."""


class LatentWorkerCannotSubstantiate(Exception):
    """A latent worker cannot start; the build must not be retried."""


class LatentWorkerSubstantiatiationCancelled(Exception):
    """The start of a latent worker was called off."""


class ParameterError(Exception):
    """A parameter has a value that makes no sense."""


class BuildbotNetworkError(Exception):
    """A connection failed."""


class IProperties(Interface):
    """Something that has properties: a build, a request, a Properties object."""

    def getProperty(name: Any, default: Any = None) -> Any:
        """Return the property's value."""

    def hasProperty(name: Any) -> Any:
        """Return whether the property is set."""

    def setProperty(name: Any, value: Any, source: str, runtime: bool = False) -> None:
        """Set the property."""

    def getProperties() -> Any:  # type: ignore[misc] # an interface's method has no self
        """Return the Properties object."""

    def render(value: Any) -> Any:
        """Return a Deferred of the value, rendered."""


class IBuildStep(Interface):
    """A step of a build."""


class IBuildStepFactory(Interface):
    """Makes the steps of each build."""


class IChangeSource(Interface):
    """Tells of changes."""


class IConfigLoader(Interface):
    """Loads a whole configuration: ``loadConfig``."""


class IConfigurator(Interface):
    """Alters a configuration: ``configure``."""


class IConfigured(Interface):
    """Can say what its configuration is."""


class IEmailLookup(Interface):
    """Finds the e-mail address of a user's name: ``getAddress``."""


class IEmailSender(Interface):
    """Sends e-mails."""


class IHttpResponse(Interface):
    """The answer to an HTTP request."""


class ILatentMachine(Interface):
    """A machine that is started when it is needed."""


class ILatentWorker(Interface):
    """A worker that is started when it is needed."""


class ILogObserver(Interface):
    """Watches a log as it grows."""


class IMachine(Interface):
    """A machine with one or more workers."""


class IMachineAction(Interface):
    """What wakes a machine, or puts it to sleep: ``perform(machine)`` returns whether it did."""


class IPlugin(Interface):
    """What an installed package adds to Buildbot by an entry point."""


class IReportGenerator(Interface):
    """Makes reports of events."""


class IScheduler(Interface):
    """Turns changes, time or requests into buildsets."""


class ISourceStamp(Interface):
    """Which sources to build."""


class IStatusReceiver(Interface):
    """Hears of builds, in configurations of Buildbot 0.8."""


class ITriggerableScheduler(Interface):
    """A scheduler that steps can trigger."""


class IWorker(Interface):
    """A place where builds run."""


def empty_interface(name: str, module: str) -> Any:
    """Return an interface that asks for nothing, for one that Buildbot has removed."""
    return InterfaceClass(name, __module__=module)


__getattr__ = old_names_of(__name__)
