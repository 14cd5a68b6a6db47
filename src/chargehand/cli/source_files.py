"""Files of Python source: finding them, reading them as they are encoded, and replacing them."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import tokenize
from collections.abc import Iterator
from pathlib import Path

import msgspec

from chargehand.app.failure import CommandFailed
from chargehand.kit.regular_files import read_regular

_NOT_SEARCHED = frozenset({"__pycache__", "dist-packages", "node_modules", "site-packages"})
_CONFIGURATION = b"BuildmasterConfig"


class SourceFile(msgspec.Struct, frozen=True):
    """One file: its text with plain line ends, and how it is written."""

    path: Path
    text: str
    encoding: str
    is_crlf: bool

    def encoded(self, text: str) -> bytes:
        """Return another text as this file writes it."""
        return (text.replace("\n", "\r\n") if self.is_crlf else text).encode(self.encoding)


def read_source(path: Path) -> SourceFile:
    """Read a file. Raises CommandFailed."""
    try:
        content = read_regular(path)
    except OSError as error:
        raise CommandFailed(f"cannot read {path}: {error.strerror}") from None
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except SyntaxError as error:
        if "unknown encoding" in str(error):
            raise CommandFailed(f"{path}: {error}") from None
        # Python 2 took any bytes where a file named no encoding.
        encoding, text = "utf-8", content.decode("latin-1")
    except UnicodeDecodeError:
        encoding, text = "utf-8", content.decode("latin-1")
    return SourceFile(
        path=path,
        text=text.replace("\r\n", "\n"),
        encoding=encoding,
        is_crlf="\r\n" in text,
    )


def sources_in(place: Path) -> Iterator[Path]:
    """Yield *place*, or what a directory has: configurations, and the modules beside and below."""
    if not place.is_dir():
        yield place
        return
    for directory, names, files in os.walk(place):
        here = Path(directory)
        names[:] = sorted(name for name in names if _is_searched(here / name))
        for file in sorted(files):
            path = here / file
            if path.suffix == ".py" or (path.suffix == ".cfg" and _is_configuration(path)):
                yield path


def replace_file(path: Path, content: bytes) -> Path:
    """Put *content* in the place of a file, whole or not at all; return where the old one is kept.

    A symbolic link stays one: what it points to is replaced. Mode and owner stay.
    """
    path = path.resolve()
    backup = _free_name(path)
    shutil.copy2(path, backup)
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            shutil.copymode(path, file.name)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    return backup


def _free_name(path: Path) -> Path:
    backup = path.with_name(f"{path.name}.bak")
    number = 1
    while backup.exists():
        number += 1
        backup = path.with_name(f"{path.name}.bak{number}")
    return backup


def _is_searched(directory: Path) -> bool:
    return not (
        directory.name.startswith(".")
        or directory.name in _NOT_SEARCHED
        or directory.is_symlink()
        or (directory / "pyvenv.cfg").exists()
    )


def _is_configuration(path: Path) -> bool:
    try:
        return _CONFIGURATION in read_regular(path)
    except OSError:
        return False
