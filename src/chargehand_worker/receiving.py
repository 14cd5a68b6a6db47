"""Files that the worker receives with an order."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path
from typing import Any

from chargehand_worker.arguments import BadArguments, text


def download(base: Path, arguments: dict[str, Any]) -> dict[str, Any]:
    """Write ``content`` to the file ``workerdest``, which is there whole or not at all.

    ``mode`` is that of the new file; without one, it is what the worker's umask leaves.
    Raises BadArguments and OSError.
    """
    content = arguments.get("content")
    mode = arguments.get("mode")
    if not isinstance(content, bytes):
        raise BadArguments("argument 'content' must be bytes")
    if mode is not None and (not isinstance(mode, int) or isinstance(mode, bool)):
        raise BadArguments(f"argument 'mode' must be an integer, not {mode!r}")
    workdir = Path(str(arguments.get("workdir") or "")).expanduser()
    target = base / workdir / Path(text(arguments, "workerdest")).expanduser()
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    _write(Path(os.path.realpath(target)), content, mode)
    return {}


def _write(target: Path, content: bytes, mode: int | None) -> None:
    handle, name = tempfile.mkstemp(prefix=".download-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o666 & ~_umask() if mode is None else mode)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _umask() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return 0o022
