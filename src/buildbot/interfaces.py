"""The interfaces that extension code implements or asks for, and the errors that belong to them."""

from __future__ import annotations

from typing import Any

from zope.interface import Attribute, Interface, implementer, interfacemethod

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
    "WorkerTooOldError",
    "implementer",
]


class BuilderInUseError(Exception):
    """The builder has work to do."""


class WorkerSetupError(Exception):
    """The worker cannot do what the step needs."""


class WorkerTooOldError(WorkerSetupError):
    """The worker's version lacks a command that the step needs."""


class LatentWorkerFailedToSubstantiate(Exception):
    """A latent worker did not start; another attempt may succeed."""


class LatentWorkerCannotSubstantiate(Exception):
    """A latent worker cannot start; the build is not to be tried again."""


class LatentWorkerSubstantiatiationCancelled(Exception):
    """The start of a latent worker was called off."""


class ParameterError(Exception):
    """A parameter has a value that makes no sense."""


class BuildbotNetworkError(Exception):
    """A connection failed."""


class IRenderable(Interface):  # type: ignore[misc] # zope has no types
    """A value that depends on properties: a step's argument, a scheduler's, a reporter's.

    Lists, tuples and dictionaries adapt to it.
    """

    def getRenderingFor(iprops: Any) -> Any:
        """Return the value (or a Deferred, or an awaitable of it) for these properties."""

    @interfacemethod  # type: ignore[untyped-decorator] # zope has no types
    def __adapt__(self, value: Any) -> Any:
        if self.providedBy(value):
            return value
        if isinstance(value, list | tuple | dict):
            from buildbot.process.rendering import Container

            return Container(value)
        return None


class IProperties(Interface):  # type: ignore[misc] # zope has no types
    """Something that has properties: a build, a request, a Properties object."""

    def getProperty(name: str, default: Any = None) -> Any:
        """Return the property's value."""

    def hasProperty(name: str) -> Any:
        """Return whether the property is set."""

    def setProperty(name: str, value: Any, source: str, runtime: bool = False) -> None:
        """Set the property."""

    def getProperties() -> Any:  # type: ignore[misc] # an interface's method has no self
        """Return the Properties object."""

    def render(value: Any) -> Any:
        """Return a Deferred of the value, rendered."""


class IBuildStep(Interface):  # type: ignore[misc] # zope has no types
    """A step of a build."""


class IBuildStepFactory(Interface):  # type: ignore[misc] # zope has no types
    """Makes the steps of each build."""


class IChangeSource(Interface):  # type: ignore[misc] # zope has no types
    """Tells of changes."""


class IConfigLoader(Interface):  # type: ignore[misc] # zope has no types
    """Loads a whole configuration: ``loadConfig``."""


class IConfigurator(Interface):  # type: ignore[misc] # zope has no types
    """Alters a configuration: ``configure``."""


class IConfigured(Interface):  # type: ignore[misc] # zope has no types
    """Can say what its configuration is."""


class IEmailLookup(Interface):  # type: ignore[misc] # zope has no types
    """Finds the e-mail address of a user's name: ``getAddress``."""


class IEmailSender(Interface):  # type: ignore[misc] # zope has no types
    """Sends e-mails."""


class IHttpResponse(Interface):  # type: ignore[misc] # zope has no types
    """The answer to an HTTP request."""


class ILatentMachine(Interface):  # type: ignore[misc] # zope has no types
    """A machine that is started when it is needed."""


class ILatentWorker(Interface):  # type: ignore[misc] # zope has no types
    """A worker that is started when it is needed."""


class ILogObserver(Interface):  # type: ignore[misc] # zope has no types
    """Watches a log as it grows."""


class IMachine(Interface):  # type: ignore[misc] # zope has no types
    """A machine with one or more workers."""


class IReportGenerator(Interface):  # type: ignore[misc] # zope has no types
    """Makes reports of events."""


class IScheduler(Interface):  # type: ignore[misc] # zope has no types
    """Turns changes, time or requests into buildsets."""


class ISourceStamp(Interface):  # type: ignore[misc] # zope has no types
    """Which sources to build."""


class ITriggerableScheduler(Interface):  # type: ignore[misc] # zope has no types
    """A scheduler that steps can trigger."""


class IWorker(Interface):  # type: ignore[misc] # zope has no types
    """A place where builds run."""
