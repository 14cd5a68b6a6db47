"""Logins for the registries of images: given, or as ``docker login`` keeps them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from buildbot.worker.docker_engine import DockerError

_HUB = "https://index.docker.io/v1/"
"""What the command line ``docker`` calls the registry of images that name none."""
_HELPER_SECONDS = 30.0
_TOKEN_USER = "<token>"
"""A credential helper gives this name with an identity token."""
_GIVEN = ("username", "password", "identitytoken")

Login = dict[str, str]
"""What the engine's API takes: username and password, or identitytoken; and serveraddress."""


class RegistryLogins:
    """Finds the logins for registries in the directory where ``docker login`` keeps them.

    *given* is used instead, for every registry. *directory* is by default ``$DOCKER_CONFIG``, or
    ``.docker`` in the home directory. Nothing that is found is put into an error's text.
    """

    def __init__(self, given: Mapping[str, str] | None = None, directory: Path | None = None):
        self._given = given
        self._directory = directory or _default_directory()

    async def to_pull(self, image: str) -> dict[str, str]:
        """Return the header for a request that pulls an image. Raises DockerError."""
        login = await self._login(registry_of(image))
        return {} if login is None else {"X-Registry-Auth": _encoded(login)}

    async def to_build(self) -> dict[str, str]:
        """Return the header for a request that builds: it may pull from any registry. Raises
        DockerError."""
        settings = self._settings()
        names = {*_mapping(settings, "auths"), *_mapping(settings, "credHelpers")}
        if self._given is not None:
            names = {self._given.get("serveraddress", _HUB)}
        found = {name: await self._login(name) for name in sorted(names)}
        known = {name: login for name, login in found.items() if login is not None}
        return {"X-Registry-Config": _encoded(known)} if known else {}

    async def _login(self, registry: str) -> Login | None:
        if self._given is not None:
            return {"serveraddress": registry, **self._given}
        settings = self._settings()
        helper = _mapping(settings, "credHelpers").get(registry) or settings.get("credsStore")
        if helper:
            return await self._ask(str(helper), registry)
        for name, entry in _mapping(settings, "auths").items():
            if _host(name) == _host(registry) and isinstance(entry, Mapping):
                return self._kept(entry, registry)
        return None

    def _kept(self, entry: Mapping[str, Any], registry: str) -> Login | None:
        """Return what an entry of the file says; None if it says that nobody is logged in."""
        if token := entry.get("identitytoken"):
            return {"identitytoken": str(token), "serveraddress": registry}
        user, password = str(entry.get("username", "")), str(entry.get("password", ""))
        if encoded := entry.get("auth"):
            try:
                decoded = base64.b64decode(str(encoded), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError) as error:
                raise DockerError(
                    f'{self._file}: the entry of "{registry}" cannot be decoded; log in again '
                    "with docker login"
                ) from error
            user, _, password = decoded.partition(":")
        if not user:
            return None
        return {"username": user, "password": password.rstrip("\0"), "serveraddress": registry}

    @property
    def _file(self) -> Path:
        return self._directory / "config.json"

    def _settings(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise DockerError(f"cannot read {self._file}: {error.strerror}") from error
        except ValueError as error:
            raise DockerError(f"{self._file} is not valid JSON") from error
        return found if isinstance(found, dict) else {}

    async def _ask(self, helper: str, registry: str) -> Login | None:
        """Ask the program that keeps the credentials; None if it has none for the registry."""
        program = f"docker-credential-{helper}"
        try:
            process = await asyncio.create_subprocess_exec(
                program, "get", stdin=PIPE, stdout=PIPE, stderr=DEVNULL
            )
        except OSError as error:
            raise DockerError(
                f"{self._file} names the credential helper {program}, which cannot be started: "
                f"{error.strerror}. Install it for the master's user, or set registry_auth"
            ) from error
        try:
            async with asyncio.timeout(_HELPER_SECONDS):
                answer, _ = await process.communicate(registry.encode())
        except TimeoutError as error:
            raise DockerError(f"{program} did not answer within {_HELPER_SECONDS:g} s") from error
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            _refuse_unless_not_found(program, registry, answer)
            return None
        return _from_helper(program, registry, answer)


def registry_of(image: str) -> str:
    """Return the registry from which an image is pulled, as ``docker login`` calls it."""
    first, separator, _ = image.partition("/")
    is_host = bool(separator) and ("." in first or ":" in first or first == "localhost")
    return _HUB if not is_host or first in ("docker.io", "index.docker.io") else first


def check_login(login: object) -> str | None:
    """Return what is wrong with ``registry_auth``, without what it says; None if nothing is."""
    if not isinstance(login, Mapping):
        return "registry_auth must be a dictionary with username and password, or identitytoken"
    unknown = sorted(str(key) for key in login if key not in (*_GIVEN, "serveraddress", "email"))
    if unknown:
        return f'registry_auth has no key "{unknown[0]}"; there are {", ".join(_GIVEN)}'
    if not login.get("identitytoken") and not (login.get("username") and "password" in login):
        return "registry_auth needs username and password, or identitytoken"
    return None


def _from_helper(program: str, registry: str, answer: bytes) -> Login:
    try:
        found = json.loads(answer)
        user, secret = str(found["Username"]), str(found["Secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise DockerError(f"{program} gave an answer that is not a login") from error
    if user == _TOKEN_USER:
        return {"identitytoken": secret, "serveraddress": registry}
    return {"username": user, "password": secret, "serveraddress": registry}


def _refuse_unless_not_found(program: str, registry: str, answer: bytes) -> None:
    """Helpers end with a failure if they do not know a registry, and say so on standard output."""
    text = answer.decode(errors="replace").strip()
    if "not found" not in text.lower():
        raise DockerError(f'{program} cannot get the login for "{registry}": {text[:200]}')


def _default_directory() -> Path:
    told = os.environ.get("DOCKER_CONFIG")
    return Path(told) if told else Path("~/.docker").expanduser()


def _mapping(settings: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = settings.get(key)
    return found if isinstance(found, Mapping) else {}


def _host(registry: str) -> str:
    """Return the host of a registry, which old versions of ``docker login`` kept as a URL."""
    return registry.partition("://")[2].partition("/")[0] or registry.partition("/")[0]


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
