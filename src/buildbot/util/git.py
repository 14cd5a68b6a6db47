"""Running git on a worker, with what it needs to be let in."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from buildbot._border.bridge import inward, outgoing
from buildbot._border.errors import error
from buildbot._border.finder import old_names_of
from buildbot._border.rendering import render_value
from buildbot.process import remotecommand
from buildbot.process.errors import BuildStepCancelled, BuildStepFailed
from buildbot.process.properties import Properties
from buildbot.util.git_credential import GitCredentialOptions, add_user_password_to_credentials
from buildbot.util.git_failures import CloneDamaged, is_damaged, lock_file, sentence

__all__ = ["RC_SUCCESS", "GitStepMixin", "check_credential_arguments", "known_hosts_of"]

RC_SUCCESS = 0

_LOCKS = 5
"""How many locks of a killed git are removed before one command."""
_WRITE_PRIVATELY = 'umask 077 && mkdir -p "$(dirname "$1")" && cat > "$1"'


def check_credential_arguments(
    kind: str, private_key: Any, host_key: Any, known_hosts: Any, auth: Any, options: Any
) -> None:
    """Report combinations of arguments that make no sense."""
    if host_key is not None and private_key is None:
        error(f"{kind}: sshPrivateKey must be provided in order use sshHostKey")
    if known_hosts is not None and private_key is None:
        error(f"{kind}: sshPrivateKey must be provided in order use sshKnownHosts")
    if known_hosts is not None and host_key is not None:
        error(f"{kind}: only one of sshKnownHosts and sshHostKey can be provided")
    if auth is not None and (not isinstance(auth, list | tuple) or len(auth) != 2):
        error(f"{kind}: auth_credentials must be a tuple of a name and a password")
    if options is not None and not isinstance(options, GitCredentialOptions):
        error(f"{kind}: git_credentials must be a GitCredentialOptions")


def known_hosts_of(host_key: str | None, known_hosts: str | None) -> str | None:
    """Return the contents of a known_hosts file; a single key holds for every host."""
    if known_hosts is None and host_key is not None:
        return f"* {host_key}"
    return known_hosts


class GitStepMixin:
    """For steps that run git in ``workdir``: `setupGitStep` in the constructor, then `_dovccmd`.

    The step has ``repourl``, ``config``, ``env``, ``timeout``, ``logEnviron`` and ``stdio_log``.
    """

    config: dict[str, Any] | None
    repourl: Any
    stdio_log: Any
    failure: str | None
    errors = ""
    """What the last command wrote to its standard error."""
    _failed_command: tuple[Sequence[str], int | None] = ((), None)

    def setupGitStep(
        self: Any,
        sshPrivateKey: Any = None,
        sshHostKey: Any = None,
        sshKnownHosts: Any = None,
        auth_credentials: tuple[Any, Any] | None = None,
        git_credentials: GitCredentialOptions | None = None,
    ) -> None:
        """Take the arguments for access, and say what is wrong with them."""
        kind = type(self).__name__
        check_credential_arguments(
            kind, sshPrivateKey, sshHostKey, sshKnownHosts, auth_credentials, git_credentials
        )
        if not self.repourl:
            error(f"{kind}: must provide repourl.")
        if self.config is not None and not isinstance(self.config, dict):
            error(f"{kind}: config must be a dictionary")
        self.sshPrivateKey = sshPrivateKey
        self.sshHostKey = sshHostKey
        self.sshKnownHosts = sshKnownHosts
        self.auth_credentials = auth_credentials
        self.git_credentials = git_credentials
        self._access_environment: dict[str, str] = {}
        self._access_options: list[str] = []

    @outgoing
    async def _dovccmd(
        self: Any,
        command: Sequence[str],
        abandonOnFailure: bool = True,
        collectStdout: bool = False,
        initialStdin: str | None = None,
    ) -> Any:
        """Run ``git *command``; a Deferred of its exit code, or of its output if that is collected.

        With *abandonOnFailure* a failure ends the step, or has it start over with a new clone.
        """
        settings = [f"{name}={value}" for name, value in (self.config or {}).items()]
        options = [word for setting in settings for word in ("-c", setting)]
        line = ["git", *options, *self._access_options, *command]
        for _ in range(_LOCKS):
            done = await self._run(
                line,
                collectStdout=collectStdout,
                collectStderr=True,
                initialStdin=initialStdin,
            )
            lock = lock_file(done.stderr) if done.didFail() else None
            if lock is None:
                break
            await self._remove_lock(lock)
        self.errors = done.stderr
        self._failed_command = (command, done.rc)
        if abandonOnFailure and done.didFail():
            await self._give_up()
        return done.stdout if collectStdout else done.rc

    async def _remove_lock(self: Any, path: str) -> None:
        """Only this step works in the clone: whose lock it is was killed."""
        await self.stdio_log.addHeader(f"removing {path}, which an interrupted git left behind\n")
        await self.runRmdir(self.build.path_module.join(self.workdir, path))

    async def _give_up(self: Any, how: type[BuildStepFailed] = BuildStepFailed) -> None:
        """End the step because of the command that ran last, or have it start over."""
        command, code = self._failed_command
        self.failure = sentence(command, str(self.repourl).strip(), self.errors, code)
        if self.timed_out:
            self.failure = f"{self.failure.partition(': ')[0]}: timed out"
        raise CloneDamaged if is_damaged(self.errors) else how

    async def _run(
        self: Any, command: Sequence[str], *, workdir: str | None = None, **options: Any
    ) -> remotecommand.RemoteShellCommand:
        environment = {
            "LANGUAGE": "en",  # what git says is read
            **self._ceiling(),
            **(self.build.env or {}),
            **(self.env or {}),
            **self._access_environment,
        }
        done = remotecommand.RemoteShellCommand(
            workdir or self.workdir,
            list(command),
            env=environment,
            logEnviron=self.logEnviron,
            timeout=self.timeout,
            **options,
        )
        done.useLog(self.stdio_log, False)
        await inward(self.runCommand, done)
        if self.stopped:
            raise BuildStepCancelled
        return done

    def _ceiling(self: Any) -> dict[str, str]:
        """Keep git from finding another repository above the clone, should that be broken."""
        directory = self.getProperty("builddir")
        if not directory:
            return {}
        path = self.build.path_module
        return {"GIT_CEILING_DIRECTORIES": path.dirname(path.join(directory, self.workdir))}

    @asynccontextmanager
    async def _access(self: Any) -> AsyncIterator[None]:
        """Lay out what git needs to be let in, in a private directory beside the builder's, and
        remove it afterwards."""
        if self.sshPrivateKey is None and not (self.auth_credentials or self.git_credentials):
            yield
            return
        if self.worker.worker_system == "nt":
            await self._fail("keys and passwords for git are not supported yet on Windows workers")
        directory = self._private_directory()
        try:
            if self.sshPrivateKey is not None:
                await self._lay_out_keys(directory)
            await self._lay_out_passwords(directory)
            yield
        finally:
            self._access_environment, self._access_options = {}, []
            if not self.stopped:
                await self.runRmdir(directory, abandonOnFailure=False)

    def _private_directory(self: Any) -> str:
        path = self.build.path_module
        parent, builder = path.split(self.getProperty("builddir"))
        name = f".{builder}.{str(self.workdir).replace('/', '_')}.buildbot"
        return str(path.join(parent, name))

    async def _lay_out_keys(self: Any, directory: str) -> None:
        key = f"{directory}/ssh-key"
        await self._write(key, self.sshPrivateKey)
        words = ["ssh", "-o", "BatchMode=yes", "-i", key]
        hosts = known_hosts_of(self.sshHostKey, self.sshKnownHosts)
        if hosts is not None:
            await self._write(f"{directory}/ssh-known-hosts", hosts)
            words += ["-o", f"UserKnownHostsFile={directory}/ssh-known-hosts"]
        self._access_environment = {"GIT_SSH_COMMAND": shlex.join(words)}

    async def _lay_out_passwords(self: Any, directory: str) -> None:
        options = self.git_credentials
        if self.auth_credentials is not None:
            options = add_user_password_to_credentials(
                self.auth_credentials, self.repourl, self.git_credentials
            )
        if options is None:
            return
        store = f"{directory}/.git-credentials"
        await self._write(store, "")
        helper = f'credential.helper=store "--file={store}"'
        self._access_options = ["-c", "credential.helper=", "-c", helper]
        if options.use_http_path is not None:
            use = str(options.use_http_path).lower()
            self._access_options += ["-c", f"credential.useHttpPath={use}"]
        properties: Properties = self.getProperties()
        for description in await render_value(options.credentials, properties):
            done = await self._run(
                ["git", *self._access_options, "credential", "approve"],
                workdir=".",
                initialStdin=f"{str(description).strip()}\n\n",
            )
            if done.didFail():
                raise BuildStepFailed

    async def _write(self: Any, path: str, content: str) -> None:
        """Write a file that only the worker's user can read. What it has is in no log."""
        text = content if not content or content.endswith("\n") else f"{content}\n"
        words = ["sh", "-c", _WRITE_PRIVATELY, "sh", path]
        done = await self._run(words, workdir=".", initialStdin=text)
        if done.didFail():
            raise BuildStepFailed

    async def _fail(self: Any, words: str) -> None:
        await self.stdio_log.addHeader(f"{words}\n")
        self.failure = words
        raise BuildStepFailed


__getattr__ = old_names_of(__name__)
