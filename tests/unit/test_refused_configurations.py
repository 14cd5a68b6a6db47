"""What is said of a configuration that cannot be read: what is missing, where, and what to do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from buildbot._border.errors import collecting
from buildbot._host.reading.document import Document
from chargehand.config.errors import ConfigError


def error_of(directory: Path, text: str, **modules: str) -> ConfigError:
    for name, source in modules.items():
        (directory / f"{name}.py").write_text(source)
    (directory / "master.cfg").write_text(text)
    document = Document(directory / "master.cfg", directory)
    with collecting(document.directory) as collector:
        assert document.execute(collector) is None
    (error,) = collector.errors
    return error


@pytest.mark.parametrize(
    ("source", "sign"),
    [
        ("print 'x'", "print statement"),
        ("try:\n    pass\nexcept (ValueError, OSError), e:\n    pass", '"except ERROR, name"'),
        ("mode = 0755", "octal number with a leading zero"),
        ("x = 10L", 'number that ends with "L"'),
        ("if 1 <> 2: pass", '"<>" operator'),
        ("raise ValueError, 'x'", '"raise ERROR, message"'),
        ("if 1:\n\tx = 1\n        y = 2", "tabs mixed with spaces"),
        ("x = lambda (a, b): a", "tuple as a parameter"),
        ("import urllib2", 'module "urllib2"'),
        ("import ConfigParser", 'module "ConfigParser"'),
        ("from urllib import urlencode", "functions of urllib"),
        ("x = unicode('x')", "unicode()"),
        ("execfile('x')", "execfile()"),
        ("x = file('x')", "file()"),
        ("x = cmp(1, 2)", "cmp()"),
        ("import string\nx = string.join([])", "join()"),
        ("import sys\nx = sys.maxint", "sys.maxint"),
        ("x = {}.iteritems()", "iteritems()"),
        ("from string import maketrans", "functions of string"),
        ("x = {}.items() + {}.items()", "items of dictionaries are added"),
        ("from zope.interface import implements", "implements() of zope.interface"),
        ("import sys\nprint >>sys.stderr, 'x'", "print statement"),
    ],
)
def test_python_2_is_called_python_2(tmp_path: Path, source: str, sign: str) -> None:
    error = error_of(tmp_path, source)

    file = tmp_path / "master.cfg"
    assert error.message == f"This is Python 2 ({sign}). Run: chargehand upgrade-config {file}"
    assert (error.file, error.line) == (str(file), len(source.splitlines()[:-1]) + 1) or (
        "except" in source
    )


def test_python_2_in_an_imported_module_is_shown_there(tmp_path: Path) -> None:
    error = error_of(tmp_path, "import printing", printing="x = 1\nprint x\n")

    assert error.file == str(tmp_path / "printing.py")
    assert error.line == 2
    assert error.message.endswith(f"upgrade-config {tmp_path / 'printing.py'}")


@pytest.mark.parametrize("source", ["x = (1", "foo bar", "x = 'print 1' y", "y z # a <> b"])
def test_a_plain_mistake_is_not_called_python_2(tmp_path: Path, source: str) -> None:
    assert error_of(tmp_path, source).message.startswith("syntax error:")


def test_a_missing_private_module_is_named_with_what_to_do(tmp_path: Path) -> None:
    error = error_of(tmp_path, "import parts", parts="\nimport our_passwords\n")

    assert str(error) == (
        f'{tmp_path}/parts.py:2: module "our_passwords" is missing: it is neither in {tmp_path}/ '
        "nor installed. If it is your own (settings or passwords, for example), put "
        f"our_passwords.py into {tmp_path}/; if it belongs to a package, install that package for "
        f"{sys.executable}"
    )


@pytest.mark.parametrize("text", ["from .gone import A", "import own.gone"])
def test_a_missing_module_of_an_own_package_is_named_with_its_directory(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "__init__.py").write_text(text)

    error = error_of(tmp_path, "import own")

    assert error.file == str(tmp_path / "own" / "__init__.py")
    assert error.message == (
        f'module "own.gone" is missing: {tmp_path / "own"} has no "gone". Put gone.py there '
        "(settings and passwords are often left out of a repository), or correct the name"
    )


def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    error = error_of(tmp_path, "from gitlab import Gitlab")

    assert error.message == (
        f'package "gitlab" is not installed. Run: {sys.executable} -m pip install python-gitlab'
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "open('secrets/token')",
            'file "secrets/token" does not exist in {directory}: create it (settings and secrets '
            "are often left out of a repository), or correct the path",
        ),
        (
            "import subprocess\nsubprocess.check_output(['no-such-program', 'x'])",
            'program "no-such-program" is not installed, or not on the PATH of the process that '
            "reads the configuration",
        ),
        (
            "from runpy import run_path\nrun_path('/no/passwords.py')",
            'file "/no/passwords.py" does not exist: create it (settings and secrets are often '
            "left out of a repository), or correct the path",
        ),
        (
            "from importlib import util\nspec = util.spec_from_file_location('a', '/no/a.py')\n"
            "spec.loader.exec_module(util.module_from_spec(spec))",
            'file "/no/a.py" does not exist: create it (settings and secrets are often '
            "left out of a repository), or correct the path",
        ),
        (
            "import json, pathlib\njson.loads(pathlib.Path('/no/workers.json').read_text())",
            'file "/no/workers.json" does not exist: create it (settings and secrets are often '
            "left out of a repository), or correct the path",
        ),
        (
            "try:\n    from our_secrets import *\nexcept:\n    IOError('no secrets')\nurl = HOST",
            'name "HOST" is not defined. The module "our_secrets", which line 2 imports, is '
            "missing (settings and passwords are often left out of a repository): create "
            "{directory}/our_secrets.py, or install the package that it belongs to; the "
            '"except" of the "try" in line 1 hides it',
        ),
        (
            "try:\n    exec(open('private.py').read())\nexcept IOError:\n    pass\nurl = HOST",
            'name "HOST" is not defined. The file "private.py", which line 2 reads, does not '
            "exist (settings and passwords are often left out of a repository): create it, or "
            'correct the path; the "except" of the "try" in line 1 hides it',
        ),
        (
            "import os\nos.environ['CHARGEHAND_NOT_SET']",
            'environment variable "CHARGEHAND_NOT_SET" is not set; set it for the process that '
            "reads the configuration",
        ),
        (
            "import os\nint(os.getenv('CHARGEHAND_NOT_SET'))",
            "exception in the configuration: TypeError: int() argument must be a string, a "
            "bytes-like object or a real number, not 'NoneType' (environment variable "
            '"CHARGEHAND_NOT_SET" is not set)\n    {file}:2, in <module>: '
            "int(os.getenv('CHARGEHAND_NOT_SET'))",
        ),
        (
            "from configparser import ConfigParser\nparser = ConfigParser()\n"
            "parser.read('private.ini')\nparser.get('passwords', 'arm')",
            "No section: 'passwords'. ConfigParser.read() skips files that do not exist: is one "
            "missing (settings and passwords are often left out of a repository)?",
        ),
        (
            "from . import parts",
            'a configuration file is not part of a package, so "from ." does not work in it; '
            "import a module beside it by its name: import NAME",
        ),
        ("import sys\nsys.exit(1)", "the configuration calls sys.exit(1) here"),
        (
            "import buildbot.process.factroy",
            'Buildbot has no module "buildbot.process.factroy"; did you mean '
            '"buildbot.process.factory"?',
        ),
        (
            "from buildbot.steps.shell import ShelCommand",
            'module "buildbot.steps.shell" has no name "ShelCommand"; did you mean "ShellCommand"?',
        ),
    ],
)
def test_the_message_says_what_is_missing(tmp_path: Path, source: str, message: str) -> None:
    error = error_of(tmp_path, source)

    message = message.replace("{file}", str(tmp_path / "master.cfg"))
    if "in {directory}" in message:
        message = message.replace("{directory}", os.getcwd())
    assert error.message == message.replace("{directory}", str(tmp_path))
    assert error.line == len(source.splitlines())


def test_a_name_that_no_hidden_failure_explains_is_only_named(tmp_path: Path) -> None:
    source = "try:\n    import json\n    open(__file__)\nexcept OSError:\n    pass\nurl = HOST"

    assert "NameError: name 'HOST' is not defined" in error_of(tmp_path, source).message


def test_a_module_that_fails_in_a_try_is_named(tmp_path: Path) -> None:
    source = "try:\n    from parts import HOST\nexcept Exception:\n    pass\nurl = HOST"

    error = error_of(tmp_path, source, parts="HOST = 1 / 0\n")

    assert error.message == (
        'name "HOST" is not defined. The module "parts", which line 2 imports, raises an error; '
        'the "except" of the "try" in line 1 hides it'
    )


def test_a_traceback_shows_the_users_frames_wherever_the_file_is(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "away_parts.py").write_text("def add():\n    return 1 + 'a'\n")
    home = tmp_path / "master"
    home.mkdir()
    source = f"import sys\nsys.path.append({str(shared)!r})\nimport away_parts\naway_parts.add()\n"

    error = error_of(home, source)

    assert (error.file, error.line) == (str(shared / "away_parts.py"), 2)
    assert f"{home}/master.cfg:4, in <module>: away_parts.add()" in error.message
    assert f"{shared}/away_parts.py:2, in add: return 1 + 'a'" in error.message


def test_a_private_module_that_python_has_too_is_named(tmp_path: Path) -> None:
    words = (
        'Python\'s own module "secrets" has no "passwords". If you mean your own module, it is '
        f"missing: put secrets.py into {tmp_path}/"
    )

    for source in ("from secrets import passwords", "import secrets\nsecrets.passwords"):
        assert error_of(tmp_path, source).message == words


def test_a_backslash_that_only_python_2_read_as_itself_is_explained(tmp_path: Path) -> None:
    error = error_of(tmp_path, "x = 'C:\\users'")

    assert error.message.startswith("a backslash within a string begins a Unicode escape")
    assert error.message.endswith(f"Or run: chargehand upgrade-config {tmp_path}/master.cfg")


def test_a_package_that_a_module_beside_it_hides_is_named(tmp_path: Path) -> None:
    package = tmp_path / "ours"
    package.mkdir()
    (package / "__init__.py").write_text("from absent_package.versions import split\n")
    (package / "absent_package.py").write_text("")

    error = error_of(tmp_path, "import ours")

    assert error.message.startswith(
        'module "absent_package" is not installed. If you mean the one beside this file, write '
        "from . import absent_package; if it belongs to a package, install that package for "
    )


def test_an_implicit_relative_import_is_python_2(tmp_path: Path) -> None:
    package = tmp_path / "ours"
    package.mkdir()
    (package / "__init__.py").write_text("import inner_part\nx = {}.iteritems\n")
    (package / "inner_part.py").write_text("")

    error = error_of(tmp_path, "import ours")

    assert error.message == (
        'This is Python 2 ("import inner_part" of a module of the same package). '
        f"Run: chargehand upgrade-config {package}/__init__.py"
    )
