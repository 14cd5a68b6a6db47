"""How a Kubernetes cluster is reached: three kinds of access, for ``kube_config``."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from pathlib import Path
from typing import Any

from buildbot._border.bridge import answered
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error, warn
from buildbot._border.http_security import authorization, verification
from buildbot._border.numbers import PORT, check_number
from buildbot._border.rendering import Renderable, render_value
from buildbot.process.properties import Properties
from buildbot.util.rest import Access
from chargehand.kit.tasks import Tasks

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_PROXY_SECONDS = 20.0
_PROXY_READY = b"Starting to serve on "
_END_SECONDS = 5.0


class KubeConfigLoaderBase(ComparableMixin):
    """How a cluster is reached; subclasses override `getConfig`, and `getAuthorization`.

    The same object may serve many workers.
    """

    @property
    def place(self) -> str:
        """Which cluster it is, for comparison with others."""
        return type(self).__name__

    def getConfig(self) -> Any:
        """Return a dictionary: ``master_url``, ``namespace``, and if needed ``headers``, ``verify``
        (the file of the authority that signed the server's certificate) and ``cert`` (the file of
        our certificate, or a pair of it and its key)."""
        raise NotImplementedError(f"{type(self).__name__} has no method getConfig")

    def getAuthorization(self) -> Any:
        """Return the value of the Authorization header, which may have renderables; None for none.

        It is asked before each request."""
        return None

    async def begin(self) -> None:
        """Start what is needed to reach the cluster; each `begin` is followed by an `end`."""

    async def end(self) -> None:
        """Stop it, when the last worker has called it."""

    async def usual_namespace(self) -> str:
        """Return the namespace of workers that name none."""
        config = await answered("getConfig", self.getConfig)
        return str(config.get("namespace") or "default")

    async def access(self, master: Any) -> Access:
        """Return how the API server is reached now."""
        config = await answered("getConfig", self.getConfig)
        properties = Properties()
        properties.master = master
        headers = dict(await render_value(config.get("headers") or {}, properties))
        given = await answered("getAuthorization", self.getAuthorization)
        if (authorized := await render_value(given, properties)) is not None:
            headers["Authorization"] = authorized
        verify, cert = config.get("verify"), config.get("cert")
        try:
            tls = verification(verify, cert)
        except OSError as wrong:
            raise OSError(f"cannot read verify={verify!r}, cert={cert!r}: {wrong}") from wrong
        return Access(url=config["master_url"], headers=headers, tls=tls)


class KubeHardcodedConfig(KubeConfigLoaderBase):
    """A cluster whose address and credentials are written in the configuration.

    Args:
        master_url (str): Address of the cluster's API server, http:// or https://.
        bearerToken (str | None, renderable): A token that the API server accepts.
        basicAuth (dict[str, str] | None, renderable): User and password, as user and password.
        headers (dict[str, str] | None, renderable): Further headers of each request.
        cert (str | tuple[str, str] | None): File of our certificate, or the files of it and its
            key.
        verify (str | bool | None): File with the certificate of the authority that signed the
            server's; False for no verification.
        namespace (str): Namespace in which pods are made.
    """

    compare_attrs = (
        *("master_url", "bearerToken", "basicAuth", "headers", "cert", "verify"),
        "namespace",
    )

    def __init__(
        self,
        master_url: str | None = None,
        bearerToken: Any = None,
        basicAuth: Any = None,
        headers: Any = None,
        cert: Any = None,
        verify: Any = None,
        namespace: str = "default",
    ) -> None:
        if not isinstance(master_url, str) or not master_url.startswith(("http://", "https://")):
            error(f"KubeHardcodedConfig: master_url must begin with https://, not {master_url!r}")
            master_url = ""
        if bearerToken is not None and basicAuth is not None:
            error("KubeHardcodedConfig: give bearerToken or basicAuth, not both")
        has_secret = bearerToken is not None or basicAuth is not None
        if has_secret and master_url.startswith("http://"):
            warn(f"KubeHardcodedConfig: credentials are sent unencrypted to {master_url}")
        if verify is False:
            warn(f"KubeHardcodedConfig: the certificate of {master_url} is not verified")
        self.master_url = master_url
        self.bearerToken = bearerToken
        self.basicAuth = basicAuth
        self.headers = headers
        self.cert = cert
        self.verify = verify
        self.namespace = namespace

    @property
    def place(self) -> str:
        """The cluster's address."""
        return self.master_url

    def getConfig(self) -> Any:
        """Return what the constructor was given."""
        return {
            "master_url": self.master_url,
            "namespace": self.namespace,
            "headers": self.headers,
            "cert": self.cert,
            "verify": self.verify,
        }

    def getAuthorization(self) -> Any:
        """Return the token, or user and password, as the header has them."""
        if self.bearerToken is not None:
            return _Bearer(self.bearerToken)
        return None if self.basicAuth is None else _Basic(self.basicAuth)


class KubeCtlProxyConfigLoader(KubeConfigLoaderBase):
    """A cluster that ``kubectl proxy`` reaches, with the credentials that kubectl has.

    The master starts ``kubectl proxy`` when the first worker needs it, again if it ends, and stops
    it with the last worker. A proxy that already listens at the port is used.

    Args:
        proxy_port (int): Port of this host at which the proxy listens.
        namespace (str): Namespace in which pods are made.
    """

    compare_attrs = ("proxy_port", "namespace")

    def __init__(self, proxy_port: int = 8001, namespace: str = "default") -> None:
        check_number("KubeCtlProxyConfigLoader", "proxy_port", proxy_port, PORT)
        self.proxy_port = proxy_port
        self.namespace = namespace
        self._users = 0
        self._process: asyncio.subprocess.Process | None = None
        self._reading = Tasks("kubectl proxy")
        self._starting = asyncio.Lock()

    @property
    def place(self) -> str:
        """The proxy's port."""
        return f"kubectl proxy at port {self.proxy_port}"

    def getConfig(self) -> Any:
        """Return the address of the proxy."""
        return {
            "master_url": f"http://127.0.0.1:{self.proxy_port}",
            "namespace": self.namespace,
        }

    async def begin(self) -> None:
        """Count one more worker that uses the proxy."""
        self._users += 1

    async def end(self) -> None:
        """Stop the proxy when no worker uses it."""
        self._users -= 1
        if self._users <= 0:
            await self._stop()

    async def access(self, master: Any) -> Access:
        """Start the proxy unless it runs, and return how it is reached."""
        async with self._starting:
            if not await self._listens():
                await self._start()
        return await super().access(master)

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.proxy_port)
        except OSError:
            return False
        writer.close()
        return True

    async def _start(self) -> None:
        await self._stop()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *("kubectl", "proxy", f"--port={self.proxy_port}"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        except OSError as wrong:
            raise ProxyFailed(f"cannot run kubectl: {wrong.strerror or wrong}") from wrong
        output = self._process.stdout
        assert output is not None
        said: deque[bytes] = deque(maxlen=5)
        try:
            async with asyncio.timeout(_PROXY_SECONDS):
                while line := await output.readline():
                    if line.startswith(_PROXY_READY):
                        self._reading.spawn(_read_on(output), name="output")
                        return
                    said.append(line)
                words = "ended: " + b" ".join(said).decode(errors="replace").strip()
        except TimeoutError:
            words = f"did not listen at port {self.proxy_port} within {_PROXY_SECONDS:g} s"
        await self._stop()
        raise ProxyFailed(f"kubectl proxy {words}")

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_END_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        await self._reading.close()


class KubeInClusterConfigLoader(KubeConfigLoaderBase):
    """The cluster in which the master itself is a pod, with the pod's service account.

    The account's token is read before each request, because it is renewed while the pod runs.
    """

    def __init__(self) -> None:
        if not (_ACCOUNT / "token").exists():
            warn(f"KubeInClusterConfigLoader: this is not a pod with an account: no {_ACCOUNT}")

    def getConfig(self) -> Any:
        """Return what the cluster has put into the pod."""
        host = os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        shown = f"[{host}]" if ":" in host else host
        return {
            "master_url": f"https://{shown}:{port}",
            "namespace": (_ACCOUNT / "namespace").read_text().strip(),
            "verify": str(_ACCOUNT / "ca.crt"),
        }

    def getAuthorization(self) -> Any:
        """Return the account's token."""
        return f"Bearer {(_ACCOUNT / 'token').read_text().strip()}"


class ProxyFailed(Exception):
    """``kubectl proxy`` could not be started."""


async def _read_on(output: asyncio.StreamReader) -> None:
    """Read what it goes on to print, or else it would stop when the pipe is full."""
    while await output.read(65536):
        pass


class _Bearer(Renderable):
    """The value of the Authorization header for a token."""

    def __init__(self, token: Any) -> None:
        self._token = token

    async def rendering(self, properties: Any) -> str:
        return f"Bearer {await render_value(self._token, properties)}"


class _Basic(Renderable):
    """The value of the Authorization header for a user and a password."""

    def __init__(self, pair: Any) -> None:
        self._pair = pair

    async def rendering(self, properties: Any) -> str:
        pair = await render_value(self._pair, properties)
        return authorization((pair["user"], pair["password"]))["Authorization"]
