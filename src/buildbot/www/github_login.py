"""Logging in at GitHub."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from buildbot._border.errors import error
from buildbot.www.oauth2_base import TIMEOUT, OAuth2Auth

_log = logging.getLogger("chargehand.login")

_MOST_PAGES = 20
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
        ssl_verify (bool | str): Whether the certificate is checked, or a file of authorities.
        userInfoProvider (UserInfoProviderBase): Says more of a user than GitHub.
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
            self._graphql, json={"query": query, "variables": dict(variables)}, timeout=TIMEOUT
        )
        answer.raise_for_status()
        found = answer.json()
        if found.get("errors"):
            raise ValueError("; ".join(str(one.get("message")) for one in found["errors"]))
        return found["data"]

    def _tell(self, *answers: Any) -> None:
        if self.debug:
            _log.info("GitHub: %s", answers)
