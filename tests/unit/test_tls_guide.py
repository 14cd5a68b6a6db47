"""The commands of the guide on TLS make certificates that a strict verifier accepts."""

from __future__ import annotations

import re
import ssl
import subprocess
from pathlib import Path

_GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "connect-workers-with-tls.md"


def test_the_authority_of_the_guide_signs_a_valid_certificate(tmp_path: Path) -> None:
    (script,) = re.findall(r"```sh\n(.*?)```", _GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True, capture_output=True)
    server_side, client_side = ssl.MemoryBIO(), ssl.MemoryBIO()
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(tmp_path / "master.pem", tmp_path / "master.key")
    connecting = ssl.create_default_context(cafile=str(tmp_path / "our-ca.pem"))
    connecting.verify_flags |= ssl.VERIFY_X509_STRICT
    server = serving.wrap_bio(client_side, server_side, server_side=True)
    client = connecting.wrap_bio(server_side, client_side, server_hostname="ci.example.org")

    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue

    certificate = client.getpeercert()
    assert certificate is not None
    assert certificate["subject"] == ((("commonName", "ci.example.org"),),)
