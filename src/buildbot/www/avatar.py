"""Pictures of people, from sites that have some."""

from __future__ import annotations

import hashlib
import importlib
import logging
from typing import Any, ClassVar
from urllib.parse import quote, urlencode, urljoin

import aiohttp

from buildbot._border.bridge import answered, outward
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error
from buildbot._border.http_security import authorization, verification
from buildbot._border.making import Placed
from buildbot._border.rendering import render_value
from buildbot.process.access import MasterAccess
from buildbot.process.properties import Properties
from chargehand.config.avatars import Elsewhere, Picture, Portrait

_log = logging.getLogger("chargehand.avatars")

_SECONDS = 10
_GITHUB = "https://api.github.com"


class AvatarBase(ComparableMixin, Placed):
    """Somebody who may have pictures of people. Subclasses override ``getUserAvatar``."""

    name = "noavatar"
    compare_attrs: ClassVar[Any] = ("name",)
    master: Any = None

    def getUserAvatar(
        self, email: bytes, username: bytes | None, size: int, defaultAvatarUrl: str
    ) -> Any:
        """Return a picture as ``(media type, bytes)``, or None; also as a Deferred or coroutine.

        Or raise ``buildbot.www.resource.Redirect(url)``: the master fetches the picture there.
        """
        raise NotImplementedError


class AvatarGravatar(AvatarBase):
    """Asks gravatar.com for the picture that belongs to an email address, of which it learns a
    checksum."""

    name = "gravatar"
    default = "retro"

    def getUserAvatar(
        self, email: bytes, username: bytes | None, size: int, defaultAvatarUrl: str
    ) -> Elsewhere | None:
        """Return where the picture is."""
        if not email:
            return None
        # Gravatar's addresses contain MD5 sums; nothing is kept secret by them.
        digest = hashlib.md5(email.strip().lower(), usedforsecurity=False).hexdigest()
        query = urlencode({"d": self.default, "s": size})
        return Elsewhere(f"https://www.gravatar.com/avatar/{digest}?{query}")


class AvatarGitHub(AvatarBase):
    """Asks GitHub for the picture of a user: by name, or else by the public email address of an
    account or the author of a commit.

    Args:
        github_api_endpoint (str): The address of the API of GitHub Enterprise.
        token (str): Shown to GitHub, which answers more questions then (renderable).
        debug (bool): Whether GitHub's answers are logged.
        verify (bool | str): Whether the certificate is checked, or a file of authorities.
        client_id (str): Of an OAuth application, instead of a token.
        client_secret (str): The secret of that application (renderable).
    """

    compare_attrs: ClassVar[Any] = (
        "github_api_endpoint",
        "token",
        "debug",
        "verify",
        "client_id",
        "client_secret",
    )
    name = "github"

    def __init__(
        self,
        github_api_endpoint: str | None = None,
        token: Any = None,
        debug: bool = False,
        verify: bool | str = True,
        client_id: str | None = None,
        client_secret: Any = None,
    ) -> None:
        self.github_api_endpoint = (github_api_endpoint or _GITHUB).rstrip("/")
        self.token = token
        self.debug = debug
        self.verify = verify
        self.client_id = client_id
        self.client_secret = client_secret
        if bool(client_id) != bool(client_secret):
            error("AvatarGitHub: client_id and client_secret belong together")
        if token and client_id:
            error("AvatarGitHub: give token, or client_id and client_secret, not both")

    def getUserAvatar(
        self, email: bytes, username: bytes | None, size: int, defaultAvatarUrl: str
    ) -> Any:
        """Ask GitHub where the picture is."""
        return outward(self._found(email.decode(), (username or b"").decode(), size))

    async def _found(self, email: str, username: str, size: int) -> Elsewhere | None:
        headers = await self._headers()
        limit = aiohttp.ClientTimeout(total=_SECONDS)
        async with aiohttp.ClientSession(timeout=limit, headers=headers, trust_env=True) as session:
            found = await self._by_name(session, username) if username else None
            if found is None and email:
                found = await self._by_email(session, email)
        if not found:
            return None
        glue = "&" if "?" in found else "?"
        return Elsewhere(f"{found}{glue}s={size}")

    async def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/vnd.github+json", "User-Agent": "Chargehand"}
        properties = Properties()
        properties.master = self.master
        if self.token:
            token = await render_value(self.token, properties)
            headers["Authorization"] = f"token {token}"
        elif self.client_id:
            secret = await render_value(self.client_secret, properties)
            headers |= authorization((self.client_id, str(secret)))
        return headers

    async def _by_name(self, session: aiohttp.ClientSession, username: str) -> str | None:
        found = await self._answer(session, f"/users/{quote(username, safe='')}")
        return found.get("avatar_url") if isinstance(found, dict) else None

    async def _by_email(self, session: aiohttp.ClientSession, email: str) -> str | None:
        users = await self._answer(session, f"/search/users?q={quote(f'{email} in:email')}")
        for user in _items(users):
            return str(user["avatar_url"])
        query = f"q={quote(f'author-email:{email}')}&sort=author-date&per_page=1"
        for commit in _items(await self._answer(session, f"/search/commits?{query}")):
            if author := commit.get("author"):
                return str(author["avatar_url"])
        return None

    async def _answer(self, session: aiohttp.ClientSession, path: str) -> Any:
        url = f"{self.github_api_endpoint}{path}"
        async with session.get(url, ssl=verification(self.verify)) as answer:
            found = await answer.json(content_type=None) if answer.status == 200 else None
        if self.debug:
            _log.info("GitHub: %s %s", answer.status, found)
        return found


class AvatarGitLab(AvatarBase):
    """Asks GitLab for the picture of a user: by name, or else by email address.

    Args:
        url (str): The address of GitLab.
        token (str): An access token with the scope ``read_user``, for a GitLab that answers nobody
            else (renderable).
        verify (bool | str): Whether the certificate is checked, or a file of authorities.
    """

    compare_attrs: ClassVar[Any] = ("url", "token", "verify")
    name = "gitlab"

    def __init__(
        self, url: str = "https://gitlab.com", token: Any = None, verify: bool | str = True
    ) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self.verify = verify

    def getUserAvatar(
        self, email: bytes, username: bytes | None, size: int, defaultAvatarUrl: str
    ) -> Any:
        """Ask GitLab where the picture is."""
        return outward(self._found(email.decode(), (username or b"").decode(), size))

    async def _found(self, email: str, username: str, size: int) -> Elsewhere | None:
        properties = Properties()
        properties.master = self.master
        headers = {"User-Agent": "Chargehand"}
        if self.token:
            headers["PRIVATE-TOKEN"] = str(await render_value(self.token, properties))
        limit = aiohttp.ClientTimeout(total=_SECONDS)
        async with aiohttp.ClientSession(timeout=limit, headers=headers, trust_env=True) as session:
            found: Any = None
            if username:
                users = await self._answer(session, f"users?{urlencode({'username': username})}")
                found = users[0] if isinstance(users, list) and users else None
            if not _address(found) and email:
                asked = urlencode({"email": email, "size": size})
                found = await self._answer(session, f"avatar?{asked}")
        address = _address(found)
        # GitLab's own pictures have addresses without its name where nobody has set it.
        return Elsewhere(urljoin(f"{self.url}/", address)) if address else None

    async def _answer(self, session: aiohttp.ClientSession, path: str) -> Any:
        url = f"{self.url}/api/v4/{path}"
        async with session.get(url, ssl=verification(self.verify)) as answer:
            return await answer.json(content_type=None) if answer.status == 200 else None


def _address(found: Any) -> str:
    address = found.get("avatar_url") if isinstance(found, dict) else None
    return address if isinstance(address, str) else ""


def _items(found: Any) -> list[dict[str, Any]]:
    items = found.get("items") if isinstance(found, dict) else None
    return [one for one in items or () if isinstance(one, dict)]


class Finder(ComparableMixin):
    """The engine's way to ask a method; equal for equal methods."""

    compare_attrs: ClassVar[Any] = ("method",)

    def __init__(self, method: AvatarBase, access: MasterAccess) -> None:
        self.method = method
        self._access = access

    async def __call__(self, email: str, username: str, size: int) -> Portrait | None:
        """Return a person's picture, or None. Raises what the method raises."""
        self.method.master = self._access.master
        redirect = importlib.import_module("buildbot.www.resource").Redirect
        name = f"getUserAvatar of {type(self.method).__name__}"
        person = (email.encode(), username.encode() or None)
        try:
            found = await answered(name, self.method.getUserAvatar, *person, size, _NOBODY)
        except redirect as elsewhere:
            return Elsewhere(_text(elsewhere.args[0]))
        if found is None or isinstance(found, Picture | Elsewhere):
            return found
        if isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], bytes):
            return Picture(_text(found[0]), found[1])
        raise TypeError(
            f"{name} must return (media type, bytes) or None, not {type(found).__name__}"
        )


_NOBODY = ""
"""The address of a picture of nobody: the site draws one."""


def _text(given: Any) -> str:
    return given.decode() if isinstance(given, bytes) else str(given)
