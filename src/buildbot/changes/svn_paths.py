"""Taking the paths of Subversion repositories apart, for SVNPoller."""

from __future__ import annotations

from typing import Any


def split_file_alwaystrunk(path: str) -> dict[str, Any]:
    """Take every file for one of the trunk."""
    return {"path": path}


def split_file_branches(path: str) -> tuple[str | None, str] | None:
    """Take ``trunk/FILE`` and ``branches/NAME/FILE`` apart: the branch and the file.

    The trunk's branch is None; other files are of no interest (None).
    """
    first, *rest = path.split("/")
    if first == "trunk" and rest:
        return None, "/".join(rest)
    if first == "branches" and len(rest) > 1:
        return f"branches/{rest[0]}", "/".join(rest[1:])
    return None


def split_file_projects_branches(path: str) -> dict[str, Any] | None:
    """Take ``PROJECT/trunk/FILE`` and ``PROJECT/branches/NAME/FILE`` apart."""
    project, slash, rest = path.partition("/")
    found = split_file_branches(rest) if slash else None
    if found is None:
        return None
    branch, file = found
    return {"project": project, "path": file, **({"branch": branch} if branch else {})}
