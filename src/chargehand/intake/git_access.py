"""Git credentials: keys and passwords, on disk only while a command runs."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from chargehand.intake.git_command import PATIENT_SSH, GitCommand
from chargehand.kit.values import shown_without


@shown_without("ssh_private_key", "descriptions")
class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Secrets for one repository; ``descriptions`` are in git's credential format."""

    ssh_private_key: str | None = None
    ssh_host_key: str | None = None
    """A host key without the host's name."""
    ssh_known_hosts: str | None = None
    descriptions: tuple[str, ...] = ()
    use_http_path: bool | None = None


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Options and environment that make git use the secrets."""

    environment: dict[str, str] = msgspec.field(default_factory=dict)
    configuration: tuple[str, ...] = ()


@asynccontextmanager
async def access(credentials: Credentials | None, git: GitCommand) -> AsyncIterator[Access]:
    """Write the secrets to a directory that only we can read, and remove it afterwards."""
    if credentials is None:
        yield Access()
        return
    with TemporaryDirectory(prefix="chargehand-git-") as name:
        directory = Path(name)
        environment = {}
        if credentials.ssh_private_key is not None:
            environment["GIT_SSH_COMMAND"] = _ssh_command(credentials, directory)
        yield Access(
            environment=environment,
            configuration=await _helper(credentials, directory, git),
        )


async def _helper(credentials: Credentials, directory: Path, git: GitCommand) -> tuple[str, ...]:
    """Write the passwords for a credential helper of ours, the only one that git uses."""
    if not credentials.descriptions:
        return ()
    store = shlex.quote(str(_private_file(directory / "credentials", "")))
    settings = ["credential.helper=", f"credential.helper=store --file={store}"]
    if credentials.use_http_path is not None:
        settings.append(f"credential.useHttpPath={str(credentials.use_http_path).lower()}")
    for description in credentials.descriptions:
        await git.run(
            "credential",
            "approve",
            directory=directory,
            timeout=60,
            configuration=settings,
            standard_input=f"{description.strip()}\n\n".encode(),
        )
    return tuple(settings)


def _ssh_command(credentials: Credentials, directory: Path) -> str:
    key = _private_file(directory / "key", credentials.ssh_private_key or "")
    options = ["-i", str(key), "-o", "IdentitiesOnly=yes"]
    known_hosts = credentials.ssh_known_hosts
    if known_hosts is None and credentials.ssh_host_key is not None:
        known_hosts = f"* {credentials.ssh_host_key}"
    if known_hosts is not None:
        hosts = _private_file(directory / "known_hosts", known_hosts)
        options += ["-o", f"UserKnownHostsFile={hosts}", "-o", "StrictHostKeyChecking=yes"]
    return f"{PATIENT_SSH} {shlex.join(options)}"


def _private_file(path: Path, content: str) -> Path:
    path.touch(mode=0o600)
    if content:
        path.write_text(content.rstrip("\n") + "\n", encoding="utf-8")
    return path
