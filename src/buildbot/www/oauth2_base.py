"""Logging in at another site by OAuth 2.

Each login uses PKCE and a state that the browser keeps, so that nobody can finish another's.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from buildbot._border.bridge import inward
from buildbot._border.errors import error
from buildbot._border.rendering import render_value
from buildbot.process.properties import Properties
from buildbot.www.auth import AuthBase
from chargehand.config.login import Begun, LoginRefused, LoginUnavailable

_log = logging.getLogger("chargehand.login")

TIMEOUT = (10.0, 20.0)
"""Seconds to connect, and to wait for an answer."""
_NEEDED = "logging in at another site needs libraries: pip install 'chargehand[login]'"
T = TypeVar("T")


class OAuth2Auth(AuthBase):
    """Logging in at another site by OAuth 2. Subclasses name the site and say how to ask it who
    somebody is: ``getUserInfoFromOAuthClient(client)``, which runs in a thread.

    Args:
        clientId (str): The identifier that the site has given to this master (renderable:
            ``util.Secret``).
        clientSecret (str): The secret that belongs to it (renderable).
        autologin (bool): Whether visitors are sent to the site at once.
        ssl_verify (bool | str): Whether the site's certificate is checked, or a file of
            authorities.
        userInfoProvider (UserInfoProviderBase): Says more of a user than the site.
    """

    compare_attrs: ClassVar[Any] = ("clientId", "clientSecret", "autologin", "ssl_verify")
    name = "OAuth2"
    faIcon = "fa-sign-in"
    authUri: Any = None
    tokenUri: Any = None
    resourceEndpoint: Any = None
    authUriAdditionalParams: Mapping[str, Any] = {}
    tokenUriAdditionalParams: Mapping[str, Any] = {}
    sslVerify: Any = True
    debug = False

    def __init__(
        self,
        clientId: Any,
        clientSecret: Any,
        autologin: bool = False,
        ssl_verify: Any = None,
        userInfoProvider: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(userInfoProvider=userInfoProvider, **kwargs)
        self.clientId = clientId
        self.clientSecret = clientSecret
        self.autologin = autologin
        self.ssl_verify = self.sslVerify if ssl_verify is None else ssl_verify
        if not clientId or not clientSecret:
            error(f"{type(self).__name__} needs a clientId and a clientSecret")

    def getConfigDict(self) -> dict[str, Any]:
        """Return what clients are told of it."""
        return {
            "name": self.name,
            "oauth2": True,
            "fa_icon": self.faIcon,
            "autologin": bool(self.autologin),
        }

    async def begin(self, callback: str) -> Begun:
        """Begin a login. Raises LoginUnavailable."""
        client = await self._client(callback)
        kept = {
            "state": secrets.token_urlsafe(32),
            "verifier": secrets.token_urlsafe(48),
            "nonce": secrets.token_urlsafe(16),
        }
        url, _ = await self._asked(
            lambda: client.create_authorization_url(
                self._authorization_url(),
                state=kept["state"],
                code_verifier=kept["verifier"],
                **self._more_of_authorization(kept),
            )
        )
        return Begun(url, kept)

    async def finish(
        self, callback: str, kept: Mapping[str, str], answer: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return all that is known of who came back. Raises LoginRefused, LoginUnavailable."""
        state = kept.get("state", "")
        if not state or not hmac.compare_digest(state.encode(), answer.get("state", "").encode()):
            raise LoginRefused("the answer does not belong to a login that this browser began")
        if "error" in answer:
            raise LoginRefused(answer.get("error_description") or answer["error"])
        client = await self._client(callback)
        token = await self._asked(
            lambda: client.fetch_token(
                self._token_url(),
                code=answer.get("code", ""),
                code_verifier=kept.get("verifier", ""),
                timeout=TIMEOUT,
                **self.tokenUriAdditionalParams,
            )
        )
        found = await self._asked(lambda: self.who(client, token, kept))
        if not found.get("username"):
            raise LoginRefused("the site does not say what you are called")
        return await self.described(str(found["username"]), found)

    def who(self, client: Any, token: Mapping[str, Any], kept: Mapping[str, str]) -> dict[str, Any]:
        """Return who has logged in; runs in a thread."""
        return dict(self.getUserInfoFromOAuthClient(client))

    def getUserInfoFromOAuthClient(self, c: Any) -> dict[str, Any]:
        """Ask the site who has logged in, in a thread: return ``username``, ``full_name``,
        ``email``, ``groups`` …"""
        raise NotImplementedError(
            f"{type(self).__name__} must define getUserInfoFromOAuthClient(self, c)"
        )

    def get(self, session: Any, path: str) -> Any:
        """Return what is at a path of the site's API, decoded."""
        answer = session.get(self.resourceEndpoint + path, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def _authorization_url(self) -> str:
        return str(self.authUri)

    def _token_url(self) -> str:
        return str(self.tokenUri)

    def _more_of_authorization(self, kept: Mapping[str, str]) -> dict[str, Any]:
        return dict(self.authUriAdditionalParams)

    async def _client(self, callback: str) -> Any:
        try:
            from authlib.integrations.requests_client import OAuth2Session
        except ImportError as problem:
            _log.error(_NEEDED)
            raise LoginUnavailable(_NEEDED) from problem
        properties = Properties()
        properties.master = self.master
        client_id = str(await render_value(self.clientId, properties))
        client_secret = str(await render_value(self.clientSecret, properties))
        client = OAuth2Session(
            client_id=client_id,
            client_secret=client_secret,
            redirect_uri=callback,
            code_challenge_method="S256",
            token_endpoint_auth_method=self._way_of_showing_the_secret(),
        )
        client.verify = self.ssl_verify
        client.headers["Accept"] = "application/json"
        client.trust_env = True
        return client

    def _way_of_showing_the_secret(self) -> str:
        return "client_secret_post"

    async def _asked(self, ask: Callable[[], T]) -> T:
        """Ask the site in a thread. Raises LoginRefused, LoginUnavailable."""
        from authlib.common.errors import AuthlibBaseError
        from requests.exceptions import HTTPError, RequestException

        try:
            found: T = await inward(asyncio.to_thread, ask)
        except AuthlibBaseError as problem:
            raise LoginRefused(
                str(getattr(problem, "description", "") or getattr(problem, "error", "") or problem)
            ) from problem
        except HTTPError as problem:
            status = getattr(problem.response, "status_code", 0)
            _log.warning(
                "%s answered %s to %s", self.name, status, problem.request and problem.request.url
            )
            if status in (401, 403):
                raise LoginRefused(f"{self.name} does not tell us who you are") from problem
            raise LoginUnavailable(f"{self.name} has a problem (HTTP status {status})") from problem
        except (RequestException, OSError) as problem:
            _log.warning("%s cannot be reached: %s", self.name, problem)
            raise LoginUnavailable(f"{self.name} cannot be reached; try again later") from problem
        except ValueError as problem:
            _log.warning("%s gave an answer that cannot be read: %s", self.name, problem)
            raise LoginUnavailable(f"{self.name} gave an answer that cannot be read") from problem
        return found


class OAuth2LoginResource:
    """With what Buildbot makes pages for logging in: here the master has its own pages.

    Args:
        master (BuildMaster): The master.
        auth (AuthBase): The way of logging in.
    """

    def __init__(self, master: Any, auth: Any) -> None:
        self.master = master
        self.auth = auth
