"""Secrets that a build may not have, because its sources are not trusted enough."""

from __future__ import annotations

from typing import Any

from chargehand.config.trust import SECRETS
from chargehand.kit.expected import Expected

BUILD_TOKEN = "build token"
"""What the tokens of `util.BuildToken` are called where secrets are named."""


class SecretWithheld(Expected):
    """The build may not have the secret; the message says why."""


def check_trusted(name: str, properties: Any) -> None:
    """Raise SecretWithheld if the build that renders something may not have the secret *name*.

    Outside of builds everything may have it: the configuration is trusted.
    """
    build = properties.getBuild() if hasattr(properties, "getBuild") else None
    trusted = getattr(build, "_trusted", None)
    if build is None or trusted is None:
        return
    policy, level = trusted
    if policy.may_use_secret(level, name):
        return
    because = f": {build.trust_reason}" if build.trust_reason else ""
    refusal = (
        f'secret "{name}" is withheld from this build, because its sources are {level}{because}; '
        f"{SECRETS} lists what such builds may have"
    )
    if (note := getattr(properties.master, "note_withheld", None)) is not None:
        note(name, refusal, properties)
    raise SecretWithheld(refusal)
