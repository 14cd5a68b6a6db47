"""``create-worker``: a directory for a worker on this machine."""

from __future__ import annotations

import getpass
import platform
from pathlib import Path

from chargehand_worker.settings import SETTINGS_FILE, WorkerSettings, write_settings


def create_worker(directory: Path, settings: WorkerSettings, *, overwrite: bool) -> list[str]:
    """Make the directory; return what to tell people about it. Raises OSError."""
    info = directory / "info"
    info.mkdir(parents=True, exist_ok=True)
    if (directory / SETTINGS_FILE).exists() and not overwrite:
        return [f"Kept existing {directory / SETTINGS_FILE} (overwrite it with --force)."]
    write_settings(directory, settings)
    texts = {
        "admin": f"{_user()} <nobody@example.org>\n",
        "host": f"{platform.node()}: {platform.system()} {platform.release()}\n",
    }
    for name, text in texts.items():
        if not (info / name).exists():
            (info / name).write_text(text, encoding="utf-8")
    return [
        f'Created a directory for worker "{settings.name}" in {directory}.',
        f"Describe the worker in {info / 'admin'} and {info / 'host'}; then start it with",
        f"  chargehand-worker start {directory}",
    ]


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return "unknown"
