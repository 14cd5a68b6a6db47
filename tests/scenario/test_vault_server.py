"""Secrets in a real server that speaks Vault's protocol: OpenBao, with both key-value engines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from connections import free_port
from installed_master import EXCEPTION, SUCCESS, InstalledMaster
from waiting import eventually

from buildbot._host.views.secret_store import SecretStore
from buildbot.secrets.providers.vault_access import (
    VaultAccess,
    VaultAuthenticatorApprole,
    VaultAuthenticatorToken,
    VaultError,
)
from buildbot.secrets.providers.vault_hvac import HashiCorpVaultKvSecretProvider

pytestmark = pytest.mark.slow


class Bao:
    """A running server; everything is in its memory."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, path: str, body: Any = None, token: str = "root") -> Any:
        """Ask as an administrator does."""
        request = urllib.request.Request(
            f"{self.url}/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Vault-Token": token, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def is_up(self) -> bool:
        """Return whether it answers."""
        try:
            return self.ask("GET", "sys/health")["sealed"] is False
        except OSError:
            return False

    def role(self, **settings: Any) -> VaultAuthenticatorApprole:
        """Make an AppRole whose tokens may read below ``ci``."""
        if "approle/" not in self.ask("GET", "sys/auth")["data"]:
            self.ask("POST", "sys/auth/approle", {"type": "approle"})
        self.ask("POST", "auth/approle/role/ci", {"token_policies": "ci", **settings})
        role = self.ask("GET", "auth/approle/role/ci/role-id")["data"]["role_id"]
        secret = self.ask("POST", "auth/approle/role/ci/secret-id", {})["data"]["secret_id"]
        return VaultAuthenticatorApprole(role, secret)


@pytest.fixture
def bao(tmp_path: Path) -> Iterator[Bao]:
    port = free_port()
    server = Bao(f"http://127.0.0.1:{port}")
    command = [Path(sys.executable).with_name("bao"), "server", "-dev", "-dev-no-store-token"]
    arguments = ["-dev-root-token-id=root", f"-dev-listen-address=127.0.0.1:{port}"]
    with (tmp_path / "bao.log").open("wb") as log:
        process = subprocess.Popen([*command, *arguments], stdout=log, stderr=log)
    try:
        eventually("OpenBao", server.is_up)
        server.ask("POST", "sys/mounts/old", {"type": "kv", "options": {"version": "1"}})
        server.ask("POST", "old/ci/deploy", {"password": "of version 1", "value": "alone"})
        server.ask("POST", "secret/data/ci/deploy", {"data": {"password": "hush-hush"}})
        server.ask("POST", "secret/data/other", {"data": {"password": "not yours"}})
        paths = ("secret/data/ci/*", "old/ci/*")
        policy = "\n".join(f'path "{path}" {{ capabilities = ["read"] }}' for path in paths)
        server.ask("PUT", "sys/policies/acl/ci", {"policy": policy})
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


async def read(
    server: str, path: str, authenticator: Any = None, version: int = 2, mount: str = "secret"
) -> str | None:
    """Return a secret, as a step gets it."""
    provider = HashiCorpVaultKvSecretProvider(
        server, authenticator or VaultAuthenticatorToken("root"), mount, version
    )
    store = SecretStore()
    store.use([provider])
    found = await store.find(path)
    return None if found is None else found.value


async def test_both_engines_are_read_and_what_is_not_there_is_none(bao: Bao):
    assert await read(bao.url, "ci/deploy|password") == "hush-hush"
    assert await read(bao.url, "ci/deploy|password", version=1, mount="old") == "of version 1"
    assert await read(bao.url, "ci/none|password") is None
    assert await read(bao.url, "ci/deploy|none") is None
    with pytest.raises(VaultError, match="Invalid path for a versioned K/V secrets engine"):
        await read(bao.url, "ci/deploy|password", version=1)
    with pytest.raises(VaultError, match="status 404: no handler for route"):
        await read(bao.url, "ci/deploy|password", mount="none")

    bao.ask("DELETE", "secret/data/ci/deploy")
    assert await read(bao.url, "ci/deploy|password") is None


async def test_roles_read_what_their_policies_allow_and_sealed_is_said(bao: Bao):
    role = bao.role()
    assert await read(bao.url, "ci/deploy|password", role) == "hush-hush"
    with pytest.raises(VaultError, match="permission denied: its token has expired or"):
        await read(bao.url, "other|password", role)
    with pytest.raises(VaultError, match=r"status 400: invalid role"):
        await read(bao.url, "ci/deploy|password", VaultAuthenticatorApprole("no", "no"))

    bao.ask("PUT", "sys/seal")
    with pytest.raises(VaultError, match="status 503: Vault is sealed"):
        await read(bao.url, "ci/deploy|password")


async def test_tokens_are_renewed_and_replaced(bao: Bao):
    access = VaultAccess(bao.url, bao.role(token_ttl="100s", token_max_ttl="200s"))
    moment = 0.0
    access.now = lambda: moment
    assert await access.get("secret/data/ci/deploy") is not None
    assert access._held is not None
    first, ends_at = access._held.token, access._held.ends_at
    assert (ends_at, access._held.is_renewable) == (100.0, True)
    moment = 60.0
    assert await access.get("secret/data/ci/deploy") is not None
    assert (access._held.token, access._held.ends_at) == (first, 160.0)

    bao.ask("POST", "auth/token/revoke", {"token": first})
    assert await access.get("secret/data/ci/deploy") is not None
    assert access._held.token != first

    settings = {"policies": ["ci"], "ttl": "1h", "period": "1h"}
    own = bao.ask("POST", "auth/token/create", settings)["auth"]["client_token"]
    access = VaultAccess(bao.url, VaultAuthenticatorToken(own))
    access.now = lambda: moment
    assert await access.get("secret/data/ci/deploy") is not None
    assert access._held is not None and access._held.is_renewable
    moment += 2000.0
    assert await access.get("secret/data/ci/deploy") is not None
    assert access._held.ends_at == moment + 3600
    bao.ask("POST", "auth/token/revoke", {"token": own})
    with pytest.raises(VaultError, match="expired or was revoked"):
        await access.get("secret/data/ci/deploy")


_CONFIGURATION = """
    c['secretsProviders'] = [secrets.HashiCorpVaultKvSecretProvider(
        vault_server={url!r}, authenticator=secrets.VaultAuthenticatorToken('root'))]
    for name in ('ci/deploy', 'ci/none'):
        add(name.replace('/', '-'), steps.ShellCommand(
            name='deploy', command=['sh', '-c', 'echo "got $TOKEN"'],
            env={{'TOKEN': util.Secret(name + '|password')}}))
    """


def test_a_build_gets_a_secret_and_the_audit_log_tells(bao: Bao, master: InstalledMaster):
    master.write(textwrap.dedent(_CONFIGURATION.format(url=bao.url)))
    master.start()
    build = master.build("ci-deploy")
    assert build["results"] == SUCCESS
    log = master.get(f"builds/{build['buildid']}/steps/deploy/logs")[0]
    text = master.fetch(f"api/v2/logs/{log['logid']}/raw").decode()
    assert "got <ci/deploy|password>" in text and "hush" not in text
    assert master.build("ci-none")["results"] == EXCEPTION
    audit = [json.loads(line) for line in master.chargehand("audit", "--json").out.splitlines()]
    told = [(one["path"], one["action"]) for one in audit if one["kind"] == "secret"]
    assert any("ci/deploy|password" in f"{one}" for one in audit if one["kind"] == "secret"), told

    bao.ask("PUT", "sys/seal")
    build = master.build("ci-deploy")
    assert build["results"] == EXCEPTION
    logs = master.get(f"builds/{build['buildid']}/steps/deploy/logs")
    texts = [master.fetch(f"api/v2/logs/{one['logid']}/raw").decode() for one in logs]
    assert any("Vault is sealed: it is sealed, or in maintenance" in one for one in texts), texts


async def test_certificates_are_verified(bao: Bao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ca = Authority(tmp_path / "ca")
    certificate, key = ca.signed("vault")
    port = free_port()
    settings = tmp_path / "tls.hcl"
    settings.write_text(
        f'listener "tcp" {{ address = "127.0.0.1:{port}" '
        f'tls_cert_file = "{certificate}" tls_key_file = "{key}" }}\nstorage "inmem" {{}}\n'
    )
    command = [Path(sys.executable).with_name("bao"), "server", f"-config={settings}"]
    with (tmp_path / "tls.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)
    url = f"https://127.0.0.1:{port}"
    try:
        eventually("OpenBao", lambda: "server started" in (tmp_path / "tls.log").read_text())
        with pytest.raises(VaultError, match=r"certificate of Vault at .* cannot be verified"):
            await read(url, "ci/deploy|password")
        monkeypatch.setenv("SSL_CERT_FILE", str(ca.certificate))
        script = (
            "import asyncio, test_vault_server as here\n"
            f"asyncio.run(here.read({url!r}, 'ci/deploy|password'))\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", script],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
        # The certificate is accepted now; this server was never initialized.
        assert "status 503" in ran.stderr and "verified" not in ran.stderr, ran.stderr
    finally:
        process.terminate()
        process.wait(timeout=30)
