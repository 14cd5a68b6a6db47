"""Passwords for git, in git's own format for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buildbot._border.comparison import ComparableMixin
from buildbot._border.rendering import Renderable, render_value
from buildbot.interfaces import IRenderable, implementer

__all__ = [
    "GitCredentialInputRenderer",
    "GitCredentialOptions",
    "add_user_password_to_credentials",
]


@implementer(IRenderable)
class GitCredentialInputRenderer(Renderable, ComparableMixin):
    """Renders to one description in git's credential format.

    Its attributes are ``username``, ``password``, ``url`` …; they may be renderables, as Secret.

    Args:
        credential_attributes (Any, renderable): Attributes as git-credential(1) has them: username,
            password, url ….
    """

    compare_attrs = ("_attributes",)

    def __init__(self, **credential_attributes: Any) -> None:
        self._attributes = credential_attributes

    async def rendering(self, properties: Any) -> str:
        """Return the description."""
        attributes = await render_value(self._attributes, properties)
        # git lets a url reset what came before it, so that comes first.
        names = sorted(attributes, key=lambda name: name != "url")
        return "".join(f"{name}={attributes[name]}\n" for name in names)


class GitCredentialOptions(ComparableMixin):
    """Credentials for git: a list of descriptions, each a text or a renderable.

    ``use_http_path`` says whether git tells repositories of one server apart.

    Args:
        credentials (list[Any], renderable): Texts as git-credential(1) reads them, or
            util.GitCredentialInputRenderer.
        use_http_path (bool | None): Setting credential.useHttpPath of git.
    """

    compare_attrs = ("credentials", "use_http_path")

    def __init__(self, credentials: Sequence[Any], use_http_path: bool | None = None) -> None:
        self.credentials = list(credentials)
        self.use_http_path = use_http_path

    def renderable(self) -> Mapping[str, Any]:
        """Return the same as a dictionary that can be rendered."""
        return {"credentials": self.credentials, "use_http_path": self.use_http_path}

    def __repr__(self) -> str:
        return f"<GitCredentialOptions with {len(self.credentials)} credentials>"


def add_user_password_to_credentials(
    auth_credentials: tuple[Any, Any],
    url: Any,
    credential_options: GitCredentialOptions | None,
) -> GitCredentialOptions:
    """Return the options with a user's name and password for that repository in front."""
    username, password = auth_credentials
    own = GitCredentialInputRenderer(url=url, username=username, password=password)
    if credential_options is None:
        return GitCredentialOptions([own])
    return GitCredentialOptions(
        [own, *credential_options.credentials], credential_options.use_http_path
    )
