"""Secrets from files and from Vault."""

from __future__ import annotations

import json
import os
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from buildbot._border.errors import ConfigErrors, collecting
from buildbot._host.views.secret_store import SecretStore
from buildbot.secrets.providers.environment import SecretInEnvironment
from buildbot.secrets.providers.file import SecretInAFile
from buildbot.secrets.providers.vault import HashiCorpVaultSecretProvider
from buildbot.secrets.providers.vault_access import VaultAccess, VaultError, _redirected
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


@asynccontextmanager
async def served(*routes):
    application = web.Application()
    application.router.add_routes(routes)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest.fixture
async def vault():
    async def login(request):
        assert await request.json() == {"role_id": "r", "secret_id": "s"}
        return web.json_response({"auth": {"client_token": "by role"}})

    async def look_up(request):
        return web.json_response({"data": {"ttl": 0, "renewable": False}})

    async def read(request):
        if request.headers["X-Vault-Token"] not in ("t", "by role"):
            return web.json_response({"errors": ["permission denied"]}, status=403)
        stored = {"ci/a|b": {"password": "hush"}, "ci/single": {"value": "alone"}}
        if (found := stored.get(request.match_info["path"])) is None:
            return web.json_response({"errors": []}, status=404)
        return web.json_response({"data": {"data": found}})

    async with served(
        web.post("/v1/auth/approle/login", login),
        web.get("/v1/auth/token/lookup-self", look_up),
        web.get("/v1/secret/data/{path:.*}", read),
    ) as url:
        yield url


async def asked(url, path="ci|key", **arguments):
    """Return what a provider gives, or says."""
    try:
        found = await value(
            HashiCorpVaultKvSecretProvider(url, VaultAuthenticatorToken("t"), **arguments), path
        )
    except (VaultError, KeyError) as error:
        return str(error)
    return found


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [  # As OpenBao 2.7 gives them; a standby's as Vault's documentation does.
        (403, {"errors": ["permission denied"]}, "permission denied: its token has expired"),
        (503, {"errors": ["Vault is sealed"]}, "Vault is sealed: it is sealed, or in maintenance"),
        (429, {"errors": []}, "it is a standby that does not answer"),
        (404, {"errors": ['no handler for route "x"']}, 'status 404: no handler for route "x"'),
        (404, {"warnings": ["Invalid path for a versioned K/V"], "data": None}, "a versioned K/V"),
        (200, "<html>", "does not answer as Vault does (status 200)"),
        (404, {"errors": []}, None),
        (404, {"data": {"data": None, "metadata": {"deletion_time": "2026"}}}, None),
        (200, {"data": {"data": None}}, None),
        (200, {"data": {"data": {"other": "x"}}}, None),
        (200, {"data": {"data": {"key": 5}}}, "5"),
    ],
)
async def test_what_vault_refuses_is_said_with_what_to_do(status, answer, said):
    async def read(request):
        body = answer if isinstance(answer, str) else json.dumps(answer)
        return web.Response(status=status, text=body)

    async with served(web.get("/v1/secret/data/ci", read)) as url:
        found = await asked(url)
    assert found == said if said in (None, "5") else said in found


async def test_a_standby_may_send_to_the_active_one_but_not_on_and_on():
    async def active(request):
        assert request.headers["X-Vault-Token"] == "t"
        return web.json_response({"data": {"key": "hush"}})

    async def standby(request):
        raise web.HTTPTemporaryRedirect("/v1/active/ci")

    async def astray(request):
        raise web.HTTPTemporaryRedirect("/v1/astray/ci")

    async with served(
        web.get("/v1/secret/ci", standby),
        web.get("/v1/active/ci", active),
        web.get("/v1/astray/ci", astray),
    ) as url:
        assert await asked(url, api_version=1) == "hush"
        assert "on and on" in await asked(url, api_version=1, secrets_mount="astray")
    with pytest.raises(VaultError, match="which is not encrypted"):
        _redirected("https://vault/v1/secret/ci", "http://vault/v1/secret/ci")
    assert "cannot be reached" in await asked(url)


async def test_paths_stay_below_the_mount(vault):
    assert "has no '.' or '..'" in await asked(vault, "../auth/token|x")


async def test_a_token_is_kept_renewed_and_replaced():
    calls = []
    lives = {"first": 100, "second": 100}
    longest = {"first": 130}

    async def login(request):
        calls.append("log in")
        name = "second" if calls.count("log in") > 1 else "first"
        auth = {"client_token": name, "lease_duration": 100, "renewable": True}
        return web.json_response({"auth": auth})

    async def renew(request):
        calls.append("renew")
        name = request.headers["X-Vault-Token"]
        left = min(100, longest.get(name, 1e9) - clock)
        auth = {"client_token": name, "lease_duration": left, "renewable": True}
        return web.json_response({"auth": auth})

    async def read(request):
        calls.append(request.headers["X-Vault-Token"])
        if calls[-1] not in lives:
            return web.json_response({"errors": ["permission denied"]}, status=403)
        return web.json_response({"data": {"data": {"key": "hush"}}})

    async with served(
        web.post("/v1/auth/approle/login", login),
        web.post("/v1/auth/token/renew-self", renew),
        web.get("/v1/secret/data/ci", read),
    ) as url:
        access = VaultAccess(url.rstrip("/"), VaultAuthenticatorApprole("r", "s"))
        access.now = lambda: clock

        async def after(moment):
            nonlocal clock
            clock = moment
            calls.clear()
            assert await access.get("secret/data/ci") is not None
            return calls[:]

        clock = 0
        assert await after(0) == ["log in", "first"]
        assert await after(49) == ["first"]
        assert await after(51) == ["renew", "first"]
        assert await after(102) == ["renew", "first"]  # It lives to 130 at most,
        assert await after(129) == ["first"]
        calls.append("log in")
        clock = 131
        assert await access.get("secret/data/ci") is not None  # and then there is another.
        assert calls[-2:] == ["log in", "second"]
        del lives["second"]  # Somebody revokes it; Vault has been started anew.
        lives["first"] = 100
        assert await after(132) == ["second", "log in", "first"]


async def test_a_token_of_the_configuration_is_renewed_while_it_is_used():
    calls = []

    async def look_up(request):
        return web.json_response({"data": {"ttl": 3600, "renewable": True}})

    async def renew(request):
        calls.append(request.headers["X-Vault-Token"])
        auth = {"client_token": "t", "lease_duration": 3600, "renewable": True}
        return web.json_response({"auth": auth})

    async def read(request):
        return web.json_response({"data": {"key": "hush"}})

    async with served(
        web.get("/v1/auth/token/lookup-self", look_up),
        web.post("/v1/auth/token/renew-self", renew),
        web.get("/v1/secret/ci", read),
    ) as url:
        access = VaultAccess(url.rstrip("/"), VaultAuthenticatorToken("t"))
        for hour in range(10):
            access.now = lambda hour=hour: hour * 2000.0
            await access.get("secret/ci")
    assert calls == ["t"] * 9


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
