"""Secrets in a real store of ``pass``."""

from __future__ import annotations

import logging
import os
import subprocess
from pathlib import Path

import pytest

from buildbot._host.views.secret_store import SecretStore
from buildbot.secrets.providers.passwordstore import SecretInPass

pytestmark = pytest.mark.slow

_KEY = """
%echo making a key
Key-Type: RSA
Key-Length: 2048
Subkey-Type: RSA
Subkey-Length: 2048
Name-Real: Builder
Name-Email: builder@example.org
Expire-Date: 0
Passphrase: open sesame
"""


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store whose key has a passphrase; its paths are short, as those of sockets must be."""
    home = tmp_path_factory.mktemp("pass")
    gnupg = home / "gnupg"
    gnupg.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(gnupg))
    monkeypatch.setenv("PASSWORD_STORE_DIR", str(home / "store"))
    subprocess.run(["gpg", "--batch", "--gen-key"], input=_KEY, text=True, check=True)
    subprocess.run(["pass", "init", "builder@example.org"], check=True)
    subprocess.run(
        ["pass", "insert", "--multiline", "ci/token"], input="v1\n", text=True, check=True
    )
    return home / "store"


async def test_an_entry_is_opened_with_the_passphrase(
    store: Path, caplog: pytest.LogCaptureFixture
):
    secrets = SecretStore()
    secrets.use([SecretInPass("open sesame", str(store))])
    found = await secrets.find("ci/token")
    assert found is not None
    assert found.value == "v1"
    assert await secrets.find("ci/none") is None
    assert "cannot read" not in caplog.text

    subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=True, env=os.environ)
    wrong = SecretStore()
    wrong.use([SecretInPass("wrong", str(store))])
    caplog.set_level(logging.ERROR)
    assert await wrong.find("ci/token") is None
    assert "pass cannot read ci/token: " in caplog.text
