"""Secrets from files and from Vault."""

from __future__ import annotations

import os

import pytest
from aiohttp import web

from buildbot._border.errors import ConfigErrors, collecting
from buildbot._host.views.secret_store import SecretStore
from buildbot.secrets.providers.environment import SecretInEnvironment
from buildbot.secrets.providers.file import SecretInAFile
from buildbot.secrets.providers.vault import HashiCorpVaultSecretProvider
from buildbot.secrets.providers.vault_hvac import (
    HashiCorpVaultKvSecretProvider,
    VaultAuthenticatorApprole,
    VaultAuthenticatorToken,
)


@pytest.fixture
def directory(tmp_path):
    for name, text in {"plain": "v1\n\n", "a.txt": " v2 ", "b.key": "v3"}.items():
        (tmp_path / name).write_text(text)
        os.chmod(tmp_path / name, 0o600)
    return tmp_path


async def value(provider, name):
    store = SecretStore()
    store.use([provider])
    found = await store.find(name)
    return None if found is None else found.value


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, {"plain": "v1", "a.txt": " v2 ", "a": None}),
        ({"suffixes": [".txt"]}, {"plain": None, "a.txt": None, "a": " v2 "}),
        ({"suffixes": ["", ".key"]}, {"plain": "v1", "b": "v3", "b.key": "v3"}),
        ({"strip": False}, {"plain": "v1\n\n"}),
    ],
)
async def test_a_file_holds_the_secret_of_its_name(directory, arguments, expected):
    provider = SecretInAFile(str(directory), **arguments)

    assert {name: await value(provider, name) for name in expected} == expected


def test_files_that_others_can_read_are_refused(directory):
    os.chmod(directory / "plain", 0o644)

    with pytest.raises(ConfigErrors, match="other users can read the secret"):
        SecretInAFile(str(directory))


async def test_the_first_provider_that_knows_a_secret_is_believed(directory, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "plain").write_text("another")
    (other / "only").write_text("here")
    for name in ("plain", "only"):
        os.chmod(other / name, 0o600)
    store = SecretStore()
    store.use([SecretInAFile(str(directory)), SecretInAFile(str(other))])

    assert (await store.find("plain")).value == "v1"
    assert (await store.find("only")).value == "here"
    assert await store.find("nothing") is None
    assert "v1" not in repr(await store.find("plain"))


@pytest.fixture
async def vault():
    async def login(request):
        assert await request.json() == {"role_id": "r", "secret_id": "s"}
        return web.json_response({"auth": {"client_token": "by role"}})

    async def read(request):
        if request.headers["X-Vault-Token"] not in ("t", "by role"):
            raise web.HTTPForbidden
        stored = {"ci/a|b": {"password": "hush"}, "ci/single": {"value": "alone"}}
        if (found := stored.get(request.match_info["path"])) is None:
            raise web.HTTPNotFound
        return web.json_response({"data": {"data": found}})

    application = web.Application()
    application.router.add_post("/v1/auth/approle/login", login)
    application.router.add_get("/v1/secret/data/{path:.*}", read)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest.mark.parametrize(
    "authenticator", [VaultAuthenticatorToken("t"), VaultAuthenticatorApprole("r", "s")]
)
async def test_vault_is_asked_for_path_and_key(vault, authenticator):
    provider = HashiCorpVaultKvSecretProvider(vault, authenticator)

    assert await value(provider, r"ci/a\|b|password") == "hush"
    assert await value(provider, r"ci/a\|b|nothing") is None
    assert await value(provider, "elsewhere|password") is None


async def test_the_provider_of_older_releases_asks_for_the_value_at_a_path(vault):
    with collecting() as found:
        provider = HashiCorpVaultSecretProvider(
            vaultServer=vault, vaultToken="t", secretsmount="secret", apiVersion=2
        )

    assert await value(provider, "ci/single") == "alone"
    assert await value(provider, "elsewhere") is None
    assert found.errors == []
    assert "HashiCorpVaultKvSecretProvider(authenticator=" in found.warnings[0].message


def test_the_provider_of_older_releases_says_what_is_wrong():
    with collecting() as found:
        HashiCorpVaultSecretProvider(vaultServer=5, vaultTokn="t")

    assert [one.message for one in found.errors] == [
        'HashiCorpVaultSecretProvider has no argument "vaultTokn"; did you mean "vaultToken"?',
        "HashiCorpVaultSecretProvider: vaultServer must be a string, not 5",
        "HashiCorpVaultSecretProvider: vaultToken must be a string, not None",
    ]


def test_vault_needs_an_authenticator():
    with pytest.raises(ConfigErrors, match="authenticator must be instance"):
        HashiCorpVaultKvSecretProvider("http://x", authenticator=None)


async def test_a_changed_file_counts_at_once_and_names_do_not_leave_the_directory(directory):
    provider = SecretInAFile(str(directory / "."))
    store = SecretStore()
    store.use([provider])
    assert (await store.find("plain")).value == "v1"

    (directory / "plain").write_text("changed")
    assert (await store.find("plain")).value == "changed"
    for name in ("../" + directory.name + "/plain", "", ".", "..", "/etc/passwd"):
        assert await store.find(name) is None
    os.chmod(directory / "plain", 0o640)
    with pytest.raises(PermissionError, match=r"run: chmod 600 .*/plain"):
        await store.find("plain")


async def test_variables_of_the_environment_hold_secrets(monkeypatch):
    monkeypatch.setenv("SECRET_DEPLOY_TOKEN", "v1")
    monkeypatch.setenv("CI_KEY_2", "v2")
    assert await value(SecretInEnvironment(), "deploy-token") == "v1"
    assert await value(SecretInEnvironment(), "path") is None
    assert await value(SecretInEnvironment(prefix="CI_"), "key.2") == "v2"
    with pytest.raises(ConfigErrors, match="prefix must be the beginning of a variable's name"):
        SecretInEnvironment(prefix="")
