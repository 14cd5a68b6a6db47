"""Building patches that developers send."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import settled
from buildbot._border.numbers import PORT, check_number
from buildbot._border.rendering import is_constant
from buildbot.config import error
from buildbot.schedulers.base import ReconfigurableBaseScheduler
from chargehand.config.model import NotYet
from chargehand.scheduling import job_directory


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
    """Builds patches that ``buildbot try --connect=ssh`` puts into a directory.

    Args:
        jobdir (str): Directory, relative to the master's; new jobs are files in its directory
            ``new``, and are moved to ``cur`` when they were taken.
    """

    compare_attrs = ("jobdir",)

    def __init__(self, name: Any, builderNames: Any, jobdir: Any, **kwargs: Any) -> None:
        super().__init__(builderNames, jobdir, name=name, **kwargs)

    @own_arguments
    def checkConfig(self, builderNames: Any, jobdir: Any, **kwargs: Any) -> Any:
        """Say what is wrong with the arguments."""
        if not isinstance(jobdir, str) or not jobdir:
            error(f"{self._what}: jobdir must be a path, not {jobdir!r}")
        if not is_constant(builderNames):
            error(f"{self._what}: builderNames must be a list of names: jobs choose among them")
        return super().checkConfig(builderNames, **kwargs)

    @own_arguments
    def reconfigService(self, builderNames: Any, jobdir: Any, **kwargs: Any) -> Any:
        """Take the arguments."""
        self.jobdir = jobdir
        super().reconfigService(builderNames, **kwargs)
        return settled(None)

    def _settings(self) -> Any:
        return job_directory.Settings(
            common=self._common(),
            directory=lambda: Path(self.master.basedir, self.jobdir),
            chosen=self.filterBuilderList,
        )


class Try_Userpass(TryBase):
    """Takes patches over the network, from users with passwords: accepted, not supported yet."""

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
