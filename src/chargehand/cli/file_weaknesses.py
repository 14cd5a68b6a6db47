"""Files and accounts of a master that others on this machine can misuse."""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chargehand.config.model import MasterConfig
from chargehand.config.tls_files import TlsFiles
from chargehand.config.weaknesses import Grade, Weakness
from chargehand.kit.passwords import secrets_in
from chargehand_wire.certificates import out_of_date

_STATE = ("*.sqlite*", "*.log", "*.log.*", "logs", "agents", "control.sock")
_RENEW_DAYS = 14
_TOKEN = re.compile(
    r"\b(gh[a-z]_[0-9A-Za-z]{20,}|github_pat_[0-9A-Za-z_]{20,}|glpat-[0-9A-Za-z_-]{16,}"
    r"|xox[bap]-[0-9A-Za-z-]{20,}|AKIA[0-9A-Z]{16}|npm_[0-9A-Za-z]{20,}|pypi-[0-9A-Za-z_-]{30,})"
)
_PRIVATE_KEY = "PRIVATE KEY-----"


def weaknesses_of_files(
    basedir: Path, config_path: Path, config: MasterConfig
) -> Iterator[Weakness]:
    """Yield what is wrong with the files of the master, and with its account."""
    sources = [config_path, *map(Path, config.modules)]
    yield from _writable([basedir, *{path.parent for path in sources}, *sources])
    yield from _readable_state(basedir)
    for path in dict.fromkeys(sources):
        yield from _written_secrets(path)
    files = {*config.web.tls.values(), *(port.tls for port in config.worker_ports if port.tls)}
    for each in sorted(files, key=lambda one: one.certificate):
        yield from _certificate(each)
    if (owner := _status(basedir)) is not None and owner.st_uid == 0:
        yield Weakness(
            grade=Grade.WEAK,
            what=f"{basedir} belongs to root: a master that runs as root gives its builds on local "
            "workers, and who controls its configuration, the whole machine",
            remedy="run the master with an account of its own",
        )


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _writable(paths: Iterable[Path]) -> Iterator[Weakness]:
    for path in dict.fromkeys(paths):
        found = _status(path)
        if found is None or not found.st_mode & 0o022:
            continue
        if path.is_dir() and found.st_mode & stat.S_ISVTX:
            continue
        others = "all users" if found.st_mode & 0o002 else "the group"
        yield Weakness(
            grade=Grade.OPEN if found.st_mode & 0o002 else Grade.HINT,
            what=f"{others} of this machine can change {path}, and so run anything as the master",
            remedy=f"run: chmod go-w {shlex.quote(str(path))}",
        )


def _readable_state(basedir: Path) -> Iterator[Weakness]:
    if (above := _status(basedir)) is None or not above.st_mode & 0o001:
        return
    open_ones = [
        path
        for pattern in _STATE
        for path in sorted(basedir.glob(pattern))
        if not path.is_symlink() and (found := _status(path)) and found.st_mode & 0o004
    ]
    if open_ones:
        names = " ".join(shlex.quote(str(path)) for path in open_ones)
        yield Weakness(
            grade=Grade.WEAK,
            what=f"all users of this machine can read {', '.join(p.name for p in open_ones)} in "
            f"{basedir}: logs of builds, and what the database has",
            remedy=f"run: chmod -R o-rwx {names}",
        )


def _written_secrets(path: Path) -> Iterator[Weakness]:
    """Yield the lines of a file that hold a token, a private key, or an address with a password."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    found = _status(path)
    is_read = found is not None and bool(found.st_mode & 0o004)
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("#"):
            continue
        if _TOKEN.search(line) or _PRIVATE_KEY in line or any(secrets_in(line)):
            yield Weakness(
                grade=Grade.WEAK if is_read else Grade.HINT,
                what=f"{path}:{number} contains a password or token"
                + (", and all users of this machine can read it" if is_read else ""),
                remedy="put it into a file of c['secretsProviders'], and write util.Secret(NAME)",
            )


def _certificate(files: TlsFiles) -> Iterator[Weakness]:
    key = _status(Path(files.key))
    if key is not None and key.st_mode & 0o077:
        yield Weakness(
            grade=Grade.OPEN if key.st_mode & 0o004 else Grade.WEAK,
            what=f"other users of this machine can read the private key {files.key}",
            remedy=f"run: chmod 600 {shlex.quote(files.key)}",
        )
    try:
        text = Path(files.certificate).read_bytes()
    except OSError:
        return  # `checkconfig` says so.
    now = datetime.now(UTC)
    if (wrong := out_of_date(text, now)) is not None:
        yield Weakness(
            grade=Grade.WEAK,
            what=f"the certificate {files.certificate} {wrong}: people get used to warnings",
            remedy="renew it",
        )
    elif out_of_date(text, now + timedelta(days=_RENEW_DAYS)) is not None:
        yield Weakness(
            grade=Grade.HINT,
            what=f"the certificate {files.certificate} expires in less than {_RENEW_DAYS} days",
            remedy="renew it; the master uses the new one within a minute",
        )
