"""What to do about an exception of a configuration: what is missing, and where it belongs."""

from __future__ import annotations

import difflib
import importlib
import os
import pkgutil
import re
import shlex
import subprocess
import sys
import traceback
from collections.abc import Iterator
from configparser import NoOptionError, NoSectionError
from pathlib import Path

from buildbot._border.arguments import did_you_mean
from buildbot._host.reading import hidden_failures
from buildbot._host.upgrading import python2
from buildbot.plugins.accepted import MODULES
from buildbot.plugins.namespace import BrokenPlugin
from buildbot.plugins.old_names import OLD_NAMES
from chargehand.kit.error_text import message_of

_PACKAGES = """
Crypto=pycryptodome MySQLdb=mysqlclient OpenSSL=pyOpenSSL PIL=Pillow boto=boto boto3=boto3
bs4=beautifulsoup4 dateutil=python-dateutil docker=docker dotenv=python-dotenv flask=Flask
git=GitPython github=PyGithub gitlab=python-gitlab itsdangerous=itsdangerous jwt=PyJWT
ldap=python-ldap ldap3=ldap3 libvirt=libvirt-python markdown=Markdown nacl=PyNaCl
novaclient=python-novaclient paramiko=paramiko psycopg2=psycopg2-binary pytz=pytz
requests=requests sentry_sdk=sentry-sdk serial=pyserial toml=toml txrequests=txrequests
werkzeug=Werkzeug yaml=PyYAML buildbot_gitea=buildbot-gitea buildbot_travis=buildbot_travis
buildbot_badges=buildbot-badges buildbot_wsgi_dashboards=buildbot-wsgi-dashboards
"""
_DISTRIBUTIONS = dict(pair.split("=") for pair in _PACKAGES.split())
"""The distributions of modules that configurations import often, where to guess is not enough."""

_GONE_FROM_PYTHON = {
    "asynchat": ("3.12", "use asyncio"),
    "asyncore": ("3.12", "use asyncio"),
    "cgi": ("3.13", "use urllib.parse and email"),
    "crypt": ("3.13", "install the package that you want to hash with, such as bcrypt"),
    "distutils": ("3.12", "use shutil, sysconfig or packaging, or install setuptools"),
    "imp": ("3.12", "use importlib (importlib.reload for imp.reload)"),
    "pipes": ("3.13", "use shlex (shlex.quote for pipes.quote)"),
}
"""Modules that configurations imported from Python's library: since when they are missing, and
what to use."""

_NO_NAME = re.compile(r"cannot import name '(\w+)' from '(buildbot[\w.]*)'")
_NOT_IN_MODULE = re.compile(
    r"cannot import name '(?P<name>\w+)' from '(?P<module>\w+)'"
    r"|module '(?P<of>\w+)' has no attribute '(?P<attribute>\w+)'"
)
_GETENV = re.compile(r"""(?:getenv|environ\.get)\(\s*['"](\w+)['"]""")
_ESCAPE = re.compile(r"\(unicode error\) 'unicodeescape' codec can't decode")


def of_syntax_error(error: SyntaxError, file: str) -> str | None:
    """Return what to say of a source for another version of Python, None for a plain mistake."""
    if (sign := python2.sign_in_error(error)) is not None:
        return python2_at(sign, file)
    if _ESCAPE.search(error.msg or ""):
        return (
            "a backslash within a string begins a Unicode escape (\\u, \\U or \\N) in Python 3: "
            f"double it, or put r before the string. Or run: {_upgrading(file)}"
        )
    if sys.version_info < (3, 12) and re.match(r"\s*type\s+\w+(\[.*\])?\s*=", error.text or ""):
        running = ".".join(map(str, sys.version_info[:2]))
        return (
            'a "type" statement needs Python 3.12; Chargehand is running on '
            f"Python {running} ({sys.executable})"
        )
    return None


def of_exception(error: BaseException, file: str, directory: str) -> str | None:
    """Return what is missing, and what to do about it; None where only the author can tell."""
    if (sign := python2.sign_in_exception(error)) is not None:
        return python2_at(sign, file)
    match error:
        case BrokenPlugin():
            return str(error)
        case ModuleNotFoundError(name=str(name)):
            return _missing_module(name, file, directory)
        case ImportError() if "relative import with no known parent" in message_of(error):
            return (
                'a configuration file is not part of a package, so "from ." does not work in it; '
                "import a module beside it by its name: import NAME"
            )
        case ImportError() if (found := _NO_NAME.match(message_of(error))) is not None:
            near = did_you_mean(found[1], dir(importlib.import_module(found[2])))
            return f'module "{found[2]}" has no name "{found[1]}"{near}'
        case ImportError() | AttributeError() if sentence := _hidden_module(error, directory):
            return sentence
        case NameError(name=str(name)) if hidden := hidden_failures.of_name(name, file, directory):
            return hidden
        case FileNotFoundError(filename=str(name)) if _is_of_subprocess(error):
            return (
                f'program "{name}" is not installed, or not on the PATH of the process that reads '
                "the configuration"
            )
        case FileNotFoundError(filename=str(name)):
            place = "" if Path(name).is_absolute() else f" in {Path.cwd()}"
            return (
                f'file "{name}" does not exist{place}: create it (settings and secrets are '
                "often left out of a repository), or correct the path"
            )
        case KeyError(args=[str(name)]) if _is_of_environment(error):
            return (
                f'environment variable "{name}" is not set; set it for the process that reads the '
                "configuration"
            )
        case NoSectionError() | NoOptionError():
            return (
                f"{message_of(error)}. ConfigParser.read() skips files that do not exist: is one "
                "missing (settings and passwords are often left out of a repository)?"
            )
        case TypeError() if message_of(error).startswith("exec() arg 1 must be a string"):
            return "Python 3 does not execute an open file: write exec(FILE.read())"
        case SystemExit(code=code):
            return f"the configuration calls sys.exit({code!r}) here"
    return None


def unset_variables(line: str) -> str:
    """Return a sentence about the environment variables that a line reads and that are not set."""
    unset = [f'"{name}"' for name in _GETENV.findall(line) if name not in os.environ]
    if not unset:
        return ""
    number = "variables" if len(unset) > 1 else "variable"
    verb = "are" if len(unset) > 1 else "is"
    return f" (environment {number} {' and '.join(unset)} {verb} not set)"


def python2_at(sign: str, file: str) -> str:
    """Return what to say of a file for Python 2."""
    return f"This is Python 2 ({sign}). Run: {_upgrading(file)}"


def _upgrading(file: str) -> str:
    return f"chargehand upgrade-config {shlex.quote(file)}"


def _hidden_module(error: Exception, directory: str) -> str | None:
    """Return what to say where a module of the author's own is missing, and one of Python's that
    has the same name was found instead."""
    if (found := _NOT_IN_MODULE.match(message_of(error))) is None:
        return None
    module, name = found["module"] or found["of"], found["name"] or found["attribute"]
    if module not in sys.stdlib_module_names:
        return None
    return (
        f'Python\'s own module "{module}" has no "{name}". If you mean your own module, it is '
        f"missing: put {module}.py into {directory}"
    )


def _missing_module(name: str, file: str, directory: str) -> str:
    top, _, rest = name.partition(".")
    if top == "buildbot":
        close = difflib.get_close_matches(name, _modules_of_ours(), n=1, cutoff=0.8)
        hint = f'; did you mean "{close[0]}"?' if close else ""
        return f'Buildbot has no module "{name}"{hint}'
    python = shlex.quote(sys.executable)
    other = f"if it belongs to a package, install that package for {python}"
    beside = Path(file).parent.joinpath(*name.split("."))
    if beside.with_suffix(".py").exists() or (beside / "__init__.py").exists():
        if python2.is_python2(Path(file).read_text(errors="replace")):
            return python2_at(f'"import {top}" of a module of the same package', file)
        return (
            f'module "{name}" is not installed. If you mean the one beside this file, write '
            f"from . import {name}; {other}"
        )
    if rest and (package := _own_package(name, file, directory)) is not None:
        last = name.rpartition(".")[2]
        return (
            f'module "{name}" is missing: {package} has no "{last}". Put {last}.py there (settings '
            "and passwords are often left out of a repository), or correct the name"
        )
    if rest and top in sys.modules:
        return f'package "{top}" has no module "{rest}"; the installed version may be another one'
    if not rest and top in _GONE_FROM_PYTHON:
        since, instead = _GONE_FROM_PYTHON[top]
        return f'module "{top}" is no longer part of Python since {since}: {instead}'
    if top in _DISTRIBUTIONS:
        return (
            f'package "{top}" is not installed. Run: {python} -m pip install {_DISTRIBUTIONS[top]}'
        )
    return (
        f'module "{name}" is missing: it is neither in {directory} nor installed. If it is your '
        f"own (settings or passwords, for example), put {top}.py into {directory}; {other}"
    )


def _own_package(name: str, file: str, directory: str) -> Path | None:
    """Return the directory of the author's own package that should have the module."""
    packages = name.split(".")[:-1]
    for root in (Path(directory), *Path(file).parents):
        if (found := root.joinpath(*packages)).is_dir() and "site-packages" not in found.parts:
            return found
    return None


def _modules_of_ours() -> Iterator[str]:
    package = importlib.import_module("buildbot")
    for found in pkgutil.walk_packages(package.__path__, "buildbot."):
        if "._" not in found.name:
            yield found.name
    yield from MODULES
    yield from OLD_NAMES


def _is_of_subprocess(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename == subprocess.__file__


def _is_of_environment(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename in (os.__file__, "<frozen os>")
