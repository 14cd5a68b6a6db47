"""What to say of reporters' arguments that Buildbot has removed."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def removed(owner: str, given: Collection[str], generators: str, details: Iterable[str]) -> str:
    """Return the advice for old arguments: to write *generators* with *details*."""
    are = "were" if len(given) > 1 else "was"
    plural = "s" if len(given) > 1 else ""
    names = ", ".join(f'"{name}"' for name in given)
    how = ", ".join(dict.fromkeys(details))
    return (
        f"{owner}: argument{plural} {names} {are} removed from Buildbot; "
        f"write generators=[{generators}] with {how}"
    )
