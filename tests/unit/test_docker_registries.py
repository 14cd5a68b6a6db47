"""With what images are pulled: as the worker says, or as ``docker login`` has kept it."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker_engine import SimulatedEngine

from buildbot.plugins import util, worker
from buildbot.process.properties import Properties
from buildbot.worker.docker_engine import DockerError
from buildbot.worker.docker_registry import RegistryLogins, registry_of
from buildbot.worker.machine import Machine
from chargehand.domain.instance import InstanceLabels
from chargehand.domain.session import WorkerNotStarted

_HUB = "https://index.docker.io/v1/"
_LABELS = InstanceLabels(fleet="f1", worker="w", epoch=3, name="chargehand-f1-w-3-1")

_HELPER = """#!/bin/sh
[ "$1" = get ] || exit 9
read -r registry
case $registry in
  kept.example.com) echo '{"ServerURL": "", "Username": "ann", "Secret": "hidden"}' ;;
  token.example.com) echo '{"ServerURL": "", "Username": "<token>", "Secret": "t0ken"}' ;;
  locked.example.com) echo 'the keychain is locked'; exit 1 ;;
  strange.example.com) echo 'hidden' ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
"""


async def _done(*_: object) -> None:
    """Its worker may connect, and what it keeps is kept."""


async def _start(host: str, **arguments: Any) -> None:
    settings = {"masterFQDN": "ci.example.com:9989", **arguments}
    made = worker.DockerLatentWorker("w", None, docker_host=host, **settings)
    build: Any = SimpleNamespace(build=Properties(password="by property"))
    await Machine(made).start(build, SimpleNamespace(labels=_LABELS, connect=_done, keep=_done))


def _kept(directory: Path, **settings: object) -> RegistryLogins:
    (directory / "config.json").write_text(json.dumps(settings))
    return RegistryLogins(directory=directory)


def _entry(login: str) -> dict[str, str]:
    return {"auth": base64.b64encode(login.encode()).decode()}


async def _found(logins: RegistryLogins, image: str) -> object:
    header = await logins.to_pull(image)
    return json.loads(base64.urlsafe_b64decode(header["X-Registry-Auth"])) if header else None


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker-credential-safe"
    program.write_text(_HELPER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("debian", _HUB),
        ("somebody/debian:13", _HUB),
        ("docker.io/library/debian", _HUB),
        ("ci.example.com/debian:13", "ci.example.com"),
        ("localhost/debian", "localhost"),
        ("ci:5000/a/b@sha256:00", "ci:5000"),
    ],
)
def test_the_registry_of_an_image(image: str, registry: str) -> None:
    assert registry_of(image) == registry


async def test_an_image_is_pulled_with_what_the_worker_says(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    login = {"username": "ann", "password": util.Property("password")}
    async with engine.at(tmp_path / "s") as host:
        await _start(host, image="ci.example.com/a", autopull=True, registry_auth=login)

        assert engine.logins == [
            {"serveraddress": "ci.example.com", "username": "ann", "password": "by property"}
        ]
        (container,) = engine.containers.values()
        assert "by property" not in json.dumps(container)


async def test_what_docker_login_has_kept_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    _kept(tmp_path, auths={"ci.example.com": _entry("ann:a:b"), _HUB: _entry("bob:c")})
    ann = {"username": "ann", "password": "a:b", "serveraddress": "ci.example.com"}
    bob = {"username": "bob", "password": "c", "serveraddress": _HUB}
    engine = SimulatedEngine()
    async with engine.at(tmp_path / "s") as host:
        await _start(host, image="ci.example.com/a:1", autopull=True)
        await _start(host, image="other.example.com/a:1", autopull=True)
        await _start(host, dockerfile="FROM ci.example.com/a")

    assert engine.logins == [ann, None, {"ci.example.com": ann, _HUB: bob}]


async def test_entries_of_other_forms(tmp_path: Path) -> None:
    entries = {
        "https://old.example.com/v1/": _entry("ann:old"),
        "token.example.com": {"identitytoken": "t0ken"},
        "empty.example.com": {},
    }
    logins = _kept(tmp_path, auths=entries)

    assert await _found(logins, "old.example.com/a") == {
        "username": "ann",
        "password": "old",
        "serveraddress": "old.example.com",
    }
    assert await _found(logins, "token.example.com/a") == {
        "identitytoken": "t0ken",
        "serveraddress": "token.example.com",
    }
    assert await _found(logins, "empty.example.com/a") is None
    assert await _found(RegistryLogins(directory=tmp_path / "none"), "debian") is None


async def test_a_credential_helper_is_asked(tmp_path: Path, helper: None) -> None:
    logins = _kept(tmp_path, credHelpers={"kept.example.com": "safe"})
    everywhere = _kept(tmp_path, credsStore="safe")

    assert await _found(logins, "unknown.example.com/a") is None
    for one in (logins, everywhere):
        assert await _found(one, "kept.example.com/a") == {
            "username": "ann",
            "password": "hidden",
            "serveraddress": "kept.example.com",
        }
    assert await _found(everywhere, "token.example.com/a") == {
        "identitytoken": "t0ken",
        "serveraddress": "token.example.com",
    }
    assert await _found(everywhere, "debian") is None


@pytest.mark.parametrize(
    ("settings", "image", "words"),
    [
        ({"credsStore": "none"}, "debian", "docker-credential-none, which cannot be started"),
        ({"credsStore": "safe"}, "locked.example.com/a", "the keychain is locked"),
        ({"credsStore": "safe"}, "strange.example.com/a", "an answer that is not a login"),
        ({"auths": {"a.b": {"auth": "!"}}}, "a.b/c", 'entry of "a.b" cannot be decoded'),
    ],
)
async def test_a_login_that_cannot_be_found_out_is_told(
    settings: dict[str, Any], image: str, words: str, tmp_path: Path, helper: None
) -> None:
    with pytest.raises(DockerError, match=words) as raised:
        await _kept(tmp_path, **settings).to_pull(image)
    assert "hidden" not in str(raised.value)


async def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(DockerError, match="is not valid JSON"):
        await RegistryLogins(directory=tmp_path).to_pull("debian")


async def test_a_login_that_is_none_is_refused_without_being_shown(tmp_path: Path) -> None:
    async with SimulatedEngine().at(tmp_path / "s") as host:
        with pytest.raises(WorkerNotStarted, match="needs username and password") as raised:
            login = {"password": util.Property("password")}
            await _start(host, image="a", autopull=True, registry_auth=login)
    assert "by property" not in str(raised.value)
    assert raised.value.is_final
