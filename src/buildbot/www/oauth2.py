"""Logging in at another site: GitHub, GitLab, Google, Bitbucket, and whoever speaks OpenID Connect.

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

_TIMEOUT = (10.0, 20.0)
"""Seconds to connect, and to wait for an answer."""
_MOST_PAGES = 20
_NEEDED = "logging in at another site needs libraries: pip install 'chargehand[login]'"
_GROUPS = """
query($after: String, $login: String!, $teams: Boolean!) {
  user(login: $login) {
    organizations(first: 50, after: $after) {
      nodes {
        login
        teams(first: 100, userLogins: [$login]) @include(if: $teams) { nodes { name slug } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
T = TypeVar("T")


class OAuth2Auth(AuthBase):
    """Logging in at another site by OAuth 2. Subclasses name the site and say how to ask it who
    somebody is: ``getUserInfoFromOAuthClient(client)``, which runs in a thread.

    Args:
        clientId (str): The identifier that the site has given to this master (renderable:
            ``util.Secret``).
        clientSecret (str): The secret that belongs to it (renderable).
        autologin (bool): Whether visitors are sent to the site at once.
        ssl_verify (bool or str): Whether the site's certificate is checked, or a file of
            authorities.
        userInfoProvider: Says more of a user than the site (`UserInfoProviderBase`).
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
                timeout=_TIMEOUT,
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
        answer = session.get(self.resourceEndpoint + path, timeout=_TIMEOUT)
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
    """What an `OAuth2Auth` of yours makes pages of in Buildbot: here the master has its own pages.

    Args:
        master: The master.
        auth: The way of logging in.
    """

    def __init__(self, master: Any, auth: Any) -> None:
        self.master = master
        self.auth = auth


class GitHubAuth(OAuth2Auth):
    """Logging in at GitHub. Groups are the organisations and, with *getTeamsMembership*, the teams:
    ``organisation/team``.

    Args:
        clientId (str): The client ID of the OAuth app (renderable).
        clientSecret (str): Its client secret (renderable).
        serverURL (str): The address of GitHub Enterprise.
        autologin (bool): Whether visitors are sent to GitHub at once.
        apiVersion (int): 3 (REST) or 4 (GraphQL).
        getTeamsMembership (bool): Whether teams are groups as well; needs ``apiVersion=4``.
        debug (bool): Whether what GitHub answers is logged.
        ssl_verify (bool or str): Whether the certificate is checked, or a file of authorities.
        userInfoProvider: Says more of a user than GitHub (`UserInfoProviderBase`).
    """

    compare_attrs: ClassVar[Any] = ("serverURL", "apiVersion", "getTeamsMembership", "debug")
    name = "GitHub"
    faIcon = "fa-github"
    authUriAdditionalParams = {"scope": "user:email read:org"}

    def __init__(
        self,
        clientId: Any,
        clientSecret: Any,
        serverURL: str | None = None,
        autologin: bool = False,
        apiVersion: int = 3,
        getTeamsMembership: bool = False,
        debug: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(clientId, clientSecret, autologin, **kwargs)
        if apiVersion not in (3, 4):
            error(f"GitHubAuth: apiVersion must be 3 or 4, not {apiVersion!r}")
        if getTeamsMembership and apiVersion == 3:
            error("GitHubAuth: getTeamsMembership needs apiVersion=4")
        self.serverURL = (serverURL or "https://github.com").rstrip("/")
        self.apiVersion = apiVersion
        self.getTeamsMembership = getTeamsMembership
        self.debug = debug
        self.authUri = f"{self.serverURL}/login/oauth/authorize"
        self.tokenUri = f"{self.serverURL}/login/oauth/access_token"
        is_public = self.serverURL == "https://github.com"
        api = "https://api.github.com" if is_public else f"{self.serverURL}/api"
        self.resourceEndpoint = api if is_public else f"{api}/v3"
        self._graphql = f"{api}/graphql"

    def getUserInfoFromOAuthClient(self, c: Any) -> dict[str, Any]:
        """Ask GitHub who has logged in."""
        return self._by_rest(c) if self.apiVersion == 3 else self._by_graphql(c)

    def _by_rest(self, c: Any) -> dict[str, Any]:
        user = self.get(c, "/user")
        addresses = self.get(c, "/user/emails")
        organisations = self.get(c, "/user/orgs?per_page=100")
        self._tell(user, organisations)
        own = (one for one in addresses if one.get("primary") and one.get("verified", True))
        return {
            "username": user["login"],
            "full_name": user.get("name") or user["login"],
            "email": next((one["email"] for one in own), ""),
            "groups": [one["login"] for one in organisations],
        }

    def _by_graphql(self, c: Any) -> dict[str, Any]:
        viewer = self._query(c, "query { viewer { login name email } }", {})["viewer"]
        groups: list[str] = []
        after: str | None = None
        for _ in range(_MOST_PAGES):
            variables = {
                "after": after,
                "login": viewer["login"],
                "teams": self.getTeamsMembership,
            }
            found = self._query(c, _GROUPS, variables)
            page = found["user"]["organizations"]
            for organisation in page["nodes"]:
                groups.append(organisation["login"])
                for team in (organisation.get("teams") or {}).get("nodes") or ():
                    groups += (
                        f"{organisation['login']}/{one}" for one in (team["name"], team["slug"])
                    )
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        self._tell(viewer, groups)
        return {
            "username": viewer["login"],
            "full_name": viewer.get("name") or viewer["login"],
            "email": viewer.get("email") or "",
            "groups": list(dict.fromkeys(groups)),
        }

    def _query(self, c: Any, query: str, variables: Mapping[str, Any]) -> Any:
        answer = c.post(
            self._graphql, json={"query": query, "variables": dict(variables)}, timeout=_TIMEOUT
        )
        answer.raise_for_status()
        found = answer.json()
        if found.get("errors"):
            raise ValueError("; ".join(str(one.get("message")) for one in found["errors"]))
        return found["data"]

    def _tell(self, *answers: Any) -> None:
        if self.debug:
            _log.info("GitHub: %s", answers)


class GitLabAuth(OAuth2Auth):
    """Logging in at a GitLab; its groups are groups, by path.

    Args:
        instanceUri (str): The address of the GitLab.
        clientId (str): The application's ID (renderable).
        clientSecret (str): Its secret (renderable).
        autologin (bool): Whether visitors are sent there at once.
        ssl_verify (bool or str): Whether the certificate is checked, or a file of authorities.
        userInfoProvider: Says more of a user than GitLab (`UserInfoProviderBase`).
    """

    compare_attrs: ClassVar[Any] = ("instanceUri",)
    name = "GitLab"
    faIcon = "fa-git"
    authUriAdditionalParams = {"scope": "read_api read_user"}

    def __init__(
        self,
        instanceUri: str,
        clientId: Any,
        clientSecret: Any,
        autologin: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(clientId, clientSecret, autologin, **kwargs)
        self.instanceUri = instanceUri.rstrip("/")
        self.authUri = f"{self.instanceUri}/oauth/authorize"
        self.tokenUri = f"{self.instanceUri}/oauth/token"
        self.resourceEndpoint = f"{self.instanceUri}/api/v4"

    def getUserInfoFromOAuthClient(self, c: Any) -> dict[str, Any]:
        """Ask GitLab who has logged in."""
        user = self.get(c, "/user")
        groups: list[str] = []
        for page in range(1, _MOST_PAGES + 1):
            found = self.get(c, f"/groups?min_access_level=10&per_page=100&page={page}")
            for group in found:
                groups += (group["path"], group.get("full_path") or group["path"])
            if len(found) < 100:
                break
        return {
            "username": user["username"],
            "full_name": user.get("name") or user["username"],
            "email": user.get("email") or "",
            "groups": list(dict.fromkeys(groups)),
        }


class GoogleAuth(OAuth2Auth):
    """Logging in at Google. The name of a user is the local part of the address.

    Args:
        clientId (str): The client ID (renderable).
        clientSecret (str): Its secret (renderable).
        autologin (bool): Whether visitors are sent to Google at once.
        ssl_verify (bool or str): Whether the certificate is checked, or a file of authorities.
        userInfoProvider: Says more of a user than Google (`UserInfoProviderBase`).
    """

    name = "Google"
    faIcon = "fa-google-plus"
    authUri = "https://accounts.google.com/o/oauth2/v2/auth"
    tokenUri = "https://oauth2.googleapis.com/token"
    resourceEndpoint = "https://openidconnect.googleapis.com/v1"
    authUriAdditionalParams = {"scope": "openid email profile"}

    def getUserInfoFromOAuthClient(self, c: Any) -> dict[str, Any]:
        """Ask Google who has logged in."""
        user = self.get(c, "/userinfo")
        if not user.get("email_verified", True):
            raise LoginRefused("Google has not verified your address")
        return {
            "username": user["email"].split("@")[0],
            "full_name": user.get("name") or "",
            "email": user["email"],
        }


class BitbucketAuth(OAuth2Auth):
    """Logging in at Bitbucket; workspaces are groups.

    Args:
        clientId (str): The key of the consumer (renderable).
        clientSecret (str): Its secret (renderable).
        autologin (bool): Whether visitors are sent to Bitbucket at once.
        ssl_verify (bool or str): Whether the certificate is checked, or a file of authorities.
        userInfoProvider: Says more of a user than Bitbucket (`UserInfoProviderBase`).
    """

    name = "Bitbucket"
    faIcon = "fa-bitbucket"
    authUri = "https://bitbucket.org/site/oauth2/authorize"
    tokenUri = "https://bitbucket.org/site/oauth2/access_token"
    resourceEndpoint = "https://api.bitbucket.org/2.0"

    def getUserInfoFromOAuthClient(self, c: Any) -> dict[str, Any]:
        """Ask Bitbucket who has logged in."""
        user = self.get(c, "/user")
        addresses = self.get(c, "/user/emails").get("values", ())
        workspaces = self.get(c, "/workspaces?role=member&pagelen=100").get("values", ())
        return {
            "username": user.get("username") or user["nickname"],
            "full_name": user.get("display_name") or "",
            "email": next((one["email"] for one in addresses if one.get("is_primary")), ""),
            "groups": [one["slug"] for one in workspaces],
        }


class OpenIDConnectAuth(OAuth2Auth):
    """Logging in at a site that speaks OpenID Connect. It is asked at *issuer* how it works.

    Args:
        issuer (str): The address of the provider: ``/.well-known/openid-configuration`` is below.
        clientId (str): The client's identifier (renderable).
        clientSecret (str): Its secret (renderable).
        autologin (bool): Whether visitors are sent there at once.
        title (str): What the provider is called on the button.
        scope (str): What to ask for.
        usernameClaim (str): The claim that is the user's name.
        groupsClaim (str): The claim that lists the user's groups; dots lead into objects.
        ssl_verify (bool or str): Whether the certificate is checked, or a file of authorities.
        userInfoProvider: Says more of a user than the provider (`UserInfoProviderBase`).
    """

    compare_attrs: ClassVar[Any] = ("issuer", "title", "scope", "usernameClaim", "groupsClaim")
    name = "OpenIDConnect"
    faIcon = "fa-openid"

    def __init__(
        self,
        issuer: str,
        clientId: Any,
        clientSecret: Any,
        autologin: bool = False,
        title: str | None = None,
        scope: str = "openid email profile",
        usernameClaim: str = "preferred_username",
        groupsClaim: str = "groups",
        **kwargs: Any,
    ) -> None:
        super().__init__(clientId, clientSecret, autologin, **kwargs)
        self.issuer = issuer.rstrip("/")
        self.title = title
        self.scope = scope
        self.usernameClaim = usernameClaim
        self.groupsClaim = groupsClaim
        if title is not None:
            self.name = title
        self._found: dict[str, Any] = {}

    def _configuration(self) -> dict[str, Any]:
        """Return what the provider says of itself, in a thread."""
        if not self._found:
            import requests

            answer = requests.get(
                f"{self.issuer}/.well-known/openid-configuration",
                timeout=_TIMEOUT,
                verify=self.ssl_verify,
            )
            answer.raise_for_status()
            found = answer.json()
            if found.get("issuer", "").rstrip("/") != self.issuer:
                raise ValueError(f"it calls itself {found.get('issuer')}, not {self.issuer}")
            self._found = found
        return self._found

    def _authorization_url(self) -> str:
        return str(self._configuration()["authorization_endpoint"])

    def _token_url(self) -> str:
        return str(self._configuration()["token_endpoint"])

    def _more_of_authorization(self, kept: Mapping[str, str]) -> dict[str, Any]:
        return {"scope": self.scope, "nonce": kept["nonce"]}

    def _way_of_showing_the_secret(self) -> str:
        return "client_secret_basic"

    def who(self, client: Any, token: Mapping[str, Any], kept: Mapping[str, str]) -> dict[str, Any]:
        """Return who has logged in: the provider has signed it."""
        from buildbot.www.openid import checked_claims

        configuration = self._configuration()
        keys = client.get(configuration["jwks_uri"], withhold_token=True, timeout=_TIMEOUT)
        keys.raise_for_status()
        claims = checked_claims(
            str(token.get("id_token", "")),
            keys.json(),
            issuer=configuration["issuer"],
            client_id=client.client_id,
            nonce=kept.get("nonce", ""),
        )
        endpoint = configuration.get("userinfo_endpoint")
        if endpoint:
            answer = client.get(endpoint, timeout=_TIMEOUT)
            answer.raise_for_status()
            told = answer.json()
            if told.get("sub") == claims["sub"]:
                claims = {**told, **claims}
        return self._described(claims)

    def _described(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        username = claims.get(self.usernameClaim) or claims.get("email") or claims["sub"]
        groups: Any = claims
        for part in self.groupsClaim.split("."):
            groups = groups.get(part) if isinstance(groups, Mapping) else None
        is_verified = claims.get("email_verified", True)
        return {
            "username": str(username),
            "full_name": str(claims.get("name") or ""),
            "email": str(claims.get("email") or "") if is_verified else "",
            "groups": [str(one) for one in groups] if isinstance(groups, list) else [],
        }


class AzureAuth(OpenIDConnectAuth):
    """Logging in at Microsoft's Entra ID (Azure).

    Args:
        clientId (str): The application's ID (renderable).
        clientSecret (str): Its secret (renderable).
        tenant (str): The directory's ID or domain.
        autologin (bool): Whether visitors are sent there at once.
        ssl_verify (bool or str): Whether the certificate is checked, or a file of authorities.
        userInfoProvider: Says more of a user than the provider (`UserInfoProviderBase`).
    """

    name = "Azure"
    faIcon = "fa-windows"

    def __init__(
        self, clientId: Any, clientSecret: Any, tenant: str, autologin: bool = False, **kwargs: Any
    ) -> None:
        issuer = f"https://login.microsoftonline.com/{tenant}/v2.0"
        super().__init__(issuer, clientId, clientSecret, autologin, **kwargs)


class KeyCloakAuth(OpenIDConnectAuth):
    """Logging in at a Keycloak.

    Args:
        instanceUri (str): The address of the Keycloak.
        realm (str): The realm.
        clientId (str): The client's ID (renderable).
        clientSecret (str): Its secret (renderable).
        autologin (bool): Whether visitors are sent there at once.
        ssl_verify (bool or str): Whether the certificate is checked, or a file of authorities.
        userInfoProvider: Says more of a user than the provider (`UserInfoProviderBase`).
    """

    name = "Keycloak"
    faIcon = "fa-key"

    def __init__(
        self,
        instanceUri: str,
        realm: str,
        clientId: Any,
        clientSecret: Any,
        autologin: bool = False,
        **kwargs: Any,
    ) -> None:
        issuer = f"{instanceUri.rstrip('/')}/realms/{realm}"
        super().__init__(issuer, clientId, clientSecret, autologin, **kwargs)
