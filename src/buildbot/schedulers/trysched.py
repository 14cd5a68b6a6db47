"""Building patches that developers send: accepted, and not supported yet."""

from __future__ import annotations

from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import settled
from buildbot._border.numbers import PORT, check_number
from buildbot.config import error
from buildbot.schedulers.base import ReconfigurableBaseScheduler
from chargehand.config.model import NotYet


class TryBase(ReconfigurableBaseScheduler):
    """Builds a patch on the builders that the developer chose."""

    def filterBuilderList(self, builderNames: Any) -> list[str]:
        """Return those of the names that this scheduler builds on; all when none was chosen."""
        if not builderNames:
            return list(self.builderNames)
        wanted = [name for name in builderNames if name in self.builderNames]
        return wanted if len(wanted) == len(builderNames) else []

    def _settings(self) -> Any:
        return NotYet(kind=type(self).__name__)


class Try_Jobdir(TryBase):
    """Takes patches from files in a directory."""

    compare_attrs = ("jobdir",)

    def __init__(self, name: Any, builderNames: Any, jobdir: Any, **kwargs: Any) -> None:
        super().__init__(builderNames, jobdir, name=name, **kwargs)

    @own_arguments
    def checkConfig(self, builderNames: Any, jobdir: Any, **kwargs: Any) -> Any:
        """Say what is wrong with the arguments."""
        if not isinstance(jobdir, str):
            error(f"{self._what}: jobdir must be a path, not {jobdir!r}")
        return super().checkConfig(builderNames, **kwargs)

    @own_arguments
    def reconfigService(self, builderNames: Any, jobdir: Any, **kwargs: Any) -> Any:
        """Take the arguments."""
        self.jobdir = jobdir
        super().reconfigService(builderNames, **kwargs)
        return settled(None)


class Try_Userpass(TryBase):
    """Takes patches over the network, from users with a password."""

    compare_attrs = ("name", "builderNames", "port", "userpass", "properties")

    def __init__(
        self, name: Any, builderNames: Any, port: Any, userpass: Any, **kwargs: Any
    ) -> None:
        super().__init__(builderNames, port, userpass, name=name, **kwargs)

    @own_arguments
    def checkConfig(self, builderNames: Any, port: Any, userpass: Any, **kwargs: Any) -> Any:
        """Say what is wrong with the arguments."""
        if not isinstance(port, str):
            check_number(self._what, "port", port, PORT)
        return super().checkConfig(builderNames, **kwargs)

    @own_arguments
    def reconfigService(self, builderNames: Any, port: Any, userpass: Any, **kwargs: Any) -> Any:
        """Take the arguments."""
        self.port = port
        self.userpass = userpass
        super().reconfigService(builderNames, **kwargs)
        return settled(None)
