"""Where to go after logging in: to ourselves, and nowhere else."""

from __future__ import annotations

from urllib.parse import urlsplit

_LONGEST = 2000


def within_site(target: str, site_url: str) -> str:
    """Return a path of ours for what a link asked for: ``/`` for everything else.

    Browsers read ``//host``, ``/\\host`` and paths with line ends or tabs as other sites.
    """
    if len(target) > _LONGEST or any(
        character < " " or character == "\x7f" for character in target
    ):
        return "/"
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/"
    site = urlsplit(site_url)
    if parts.scheme or parts.netloc:
        if (parts.scheme, parts.netloc.lower()) != (site.scheme, site.netloc.lower()):
            return "/"
        path = parts.path or "/"
        base = site.path.rstrip("/")
        if base and (path == base or path.startswith(f"{base}/")):
            path = path[len(base) :] or "/"
        target = path + (f"?{parts.query}" if parts.query else "")
        target += f"#{parts.fragment}" if parts.fragment else ""
    if target.startswith(("#", "?")):
        target = f"/{target}"
    if not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return "/"
    return target
