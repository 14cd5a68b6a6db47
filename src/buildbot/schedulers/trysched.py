"""Building patches that developers send."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import inward, settled
from buildbot._border.numbers import PORT, check_number
from buildbot._border.rendering import is_constant, render_value
from buildbot.config import error
from buildbot.process.properties import Properties
from buildbot.schedulers.base import ReconfigurableBaseScheduler
from buildbot.schedulers.try_perspective import TryPerspective
from chargehand.scheduling import job_directory, listening


class TryBase(ReconfigurableBaseScheduler):
    """Builds a patch on the builders that the developer chose."""

    _waits_for = "patches of users"

    def filterBuilderList(self, builderNames: Any) -> list[str]:
        """Return those of the names that this scheduler builds on; all when none was chosen."""
        if not builderNames:
            return list(self.builderNames)
        wanted = [name for name in builderNames if name in self.builderNames]
        return wanted if len(wanted) == len(builderNames) else []


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
    """Builds patches that ``buildbot try --connect=pb`` sends over the network.

    Args:
        port (int | str): Port or endpoint to listen at; it may be that of the workers.
        userpass (list[tuple[str, str]]): The users and their passwords; a password may be a
            util.Secret.
    """

    compare_attrs = ("port", "userpass")

    def __init__(
        self, name: Any, builderNames: Any, port: Any, userpass: Any, **kwargs: Any
    ) -> None:
        self._registrations: list[Any] = []
        super().__init__(builderNames, port, userpass, name=name, **kwargs)

    @own_arguments
    def checkConfig(self, builderNames: Any, port: Any, userpass: Any, **kwargs: Any) -> Any:
        """Say what is wrong with the arguments."""
        if not isinstance(port, str):
            check_number(self._what, "port", port, PORT)
        if not is_constant(builderNames):
            error(f"{self._what}: builderNames must be a list of names: clients choose among them")
        _check_users(self._what, userpass)
        return super().checkConfig(builderNames, **kwargs)

    @own_arguments
    def reconfigService(self, builderNames: Any, port: Any, userpass: Any, **kwargs: Any) -> Any:
        """Take the arguments."""
        self.port = port
        self.userpass = userpass
        super().reconfigService(builderNames, **kwargs)
        return settled(None)

    def getPerspective(self, mind: Any, username: str) -> TryPerspective:
        """Return what a client may do."""
        return TryPerspective(self.master, lambda: self.builderNames, self._submit)

    def weaknesses(self) -> list[tuple[str, str, str]]:
        """Return what others can misuse: grade, what, and what to do."""
        known = [user for user, password in self.userpass if user == password]
        return [
            ("open", f'password of user "{user}" of {self._what} is the name', "choose another")
            for user in known
        ]

    def _settings(self) -> Any:
        return listening.Settings(common=self._common(), begin=self._listen, end=self._close)

    async def _listen(self) -> None:
        properties = Properties()
        properties.master = self.master
        try:
            for user, given in self.userpass:
                password = await render_value(given, properties)
                self._registrations.append(
                    await inward(
                        self.master.pbmanager.register,
                        *(self.port, user, password, self.getPerspective),
                    )
                )
        except BaseException:
            await self._close()
            raise

    async def _close(self) -> None:
        registrations, self._registrations = self._registrations, []
        for registration in registrations:
            await inward(registration.unregister)

    async def _submit(
        self,
        *,
        branch: str | None,
        revision: str | None,
        repository: str,
        project: str,
        builder_names: list[str],
        who: str,
        comment: str,
        properties: dict[str, Any],
        patch_level: int,
        patch_body: bytes,
    ) -> dict[str, int]:
        names = self.filterBuilderList(builder_names)
        if not names:
            return {}
        stamp: dict[str, Any] = {
            "codebase": "",
            "branch": branch or None,
            "revision": revision or None,
            "repository": repository,
            "project": project,
        }
        if patch_body:
            stamp.update(patch_level=patch_level, patch_body=patch_body, patch_subdir="")
            stamp.update(patch_author=who, patch_comment=comment)
        given = Properties()
        own = {name: value for name, value in properties.items() if name not in self.properties}
        given.update(own, "try build")
        by = f" by user {who}" if who else ""
        _, requests = await inward(
            self.addBuildsetForSourceStamps,
            sourcestamps=[stamp],
            reason=f"'try' job{by}{f' ({comment})' if comment else ''}",
            properties=given,
            builderNames=names,
        )
        ids = [(name, await inward(self.master.data.updates.findBuilderId, name)) for name in names]
        return {name: requests[id] for name, id in ids if id in requests}


def _check_users(what: str, userpass: Any) -> None:
    """Say what is wrong with users and their passwords."""
    entries = list(userpass) if isinstance(userpass, list | tuple) else []
    if not entries:
        error(f"{what}: userpass must be a list of pairs (user, password), not {type(userpass)}")
    for entry in entries:
        if not isinstance(entry, list | tuple) or len(entry) != 2:
            error(f"{what}: userpass must be a list of pairs (user, password)")
        elif not isinstance(entry[0], str) or not entry[0]:
            error(f"{what}: user {entry[0]!r} must be a name")
        elif is_constant(entry[1]) and (not isinstance(entry[1], str) or not entry[1]):
            error(f'{what}: the password of user "{entry[0]}" must be a string')
