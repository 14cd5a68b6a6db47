"""Logging in at another site: GitHub, GitLab, Google, Bitbucket, OpenID Connect."""

from __future__ import annotations

from typing import Any, ClassVar

from buildbot.www.github_login import GitHubAuth
from buildbot.www.oauth2_base import OAuth2Auth, OAuth2LoginResource
from buildbot.www.openid import AzureAuth, KeyCloakAuth, OpenIDConnectAuth
from chargehand.config.login import LoginRefused

__all__ = [
    "AzureAuth",
    "BitbucketAuth",
    "GitHubAuth",
    "GitLabAuth",
    "GoogleAuth",
    "KeyCloakAuth",
    "OAuth2Auth",
    "OAuth2LoginResource",
    "OpenIDConnectAuth",
]

_MOST_PAGES = 20


class GitLabAuth(OAuth2Auth):
    """Logging in at a GitLab; its groups are groups, by path.

    Args:
        instanceUri (str): The address of the GitLab.
        clientId (str): The application's ID (renderable).
        clientSecret (str): Its secret (renderable).
        autologin (bool): Whether visitors are sent there at once.
        ssl_verify (bool | str): Whether the certificate is checked, or a file of authorities.
        userInfoProvider (UserInfoProviderBase): Says more of a user than GitLab.
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
        ssl_verify (bool | str): Whether the certificate is checked, or a file of authorities.
        userInfoProvider (UserInfoProviderBase): Says more of a user than Google.
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
        ssl_verify (bool | str): Whether the certificate is checked, or a file of authorities.
        userInfoProvider (UserInfoProviderBase): Says more of a user than Bitbucket.
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
