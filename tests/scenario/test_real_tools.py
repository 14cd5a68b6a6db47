"""Steps for language tools, each with the tool itself (`scripts/set-up slow` installs them)."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from installed_master import FAILURE, SUCCESS, WARNINGS, InstalledMaster

pytestmark = pytest.mark.slow

_FILES = {
    "odd.py": "import os\n\n\ndef f():\n    return undefined\n",
    "test_sums.py": """\
from twisted.trial import unittest

class Sums(unittest.TestCase):
    def test_right(self):
        self.assertEqual(1 + 1, 2)
    def test_wrong(self):
        self.assertEqual(1 + 1, 3)
    def test_later(self):
        raise unittest.SkipTest("later")
""",
    "docs/conf.py": "project = 'thing'\n",
    "docs/index.rst": "Thing\n=====\n\nSee :ref:`nowhere`.\n",
    "t/sums.t": 'print "1..2\\nok 1 - one\\nnot ok 2 - two\\n";\n',
    "lib/Thing.pm": "package Thing;\n1;\n",
    "odd.c": "int main(void)\n{\n    int a[2];\n    a[2] = 1;\n    return a[2];\n}\n",
    "CMakeLists.txt": "cmake_minimum_required(VERSION 3.10)\nproject(thing NONE)\n"
    'if(NOT LEVEL EQUAL 3)\n  message(FATAL_ERROR "LEVEL is ${LEVEL}")\nendif()\n',
}

_STEPS = """
add('trial', steps.Trial(trial=BIN + 'trial', testpath='.', tests='test_sums', **IN))
add('pyflakes', steps.PyFlakes(command=[BIN + 'pyflakes', 'odd.py'], **IN))
add('pylint', steps.PyLint(command=[BIN + 'pylint', '--output-format=parseable', 'odd.py'], **IN))
add('sphinx', steps.Sphinx('docs', sphinx_builddir='built', sphinx=BIN + 'sphinx-build', **IN))
add('prove', steps.PerlModuleTest(**IN))
add('cppcheck', steps.Cppcheck(source=['odd.c'], enable=['all'], **IN))
add('cmake', steps.CMake(path='.', definitions={'LEVEL': 3}, **IN))
"""

_EXPECTED = [
    ("trial", FAILURE, "1 failure", {}),
    ("pyflakes", FAILURE, "", {"pyflakes-total": 2, "pyflakes-unused": 1, "pyflakes-undefined": 1}),
    ("pylint", FAILURE, "", {"pylint-error": 1, "pylint-warning": 1}),
    ("sphinx", WARNINGS, "1 warnings", {}),
    ("prove", FAILURE, "1 failed", {}),
    ("cppcheck", FAILURE, "", {"cppcheck-error": 2}),
    ("cmake", SUCCESS, "", {}),
]


@pytest.mark.parametrize(("builder", "result", "said", "properties"), _EXPECTED)
def test_a_step_understands_its_tool(
    master: InstalledMaster, builder: str, result: int, said: str, properties: dict[str, Any]
) -> None:
    tree = master.path / "tree"
    for name, text in _FILES.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    tools = os.fspath(Path(sys.executable).parent) + os.sep
    head = f"BIN = {json.dumps(tools)}\nIN = {{'workdir': {json.dumps(str(tree))}}}\n"
    master.write(head + _STEPS)
    master.start()

    build = master.build(builder)

    [step] = master.steps(build)
    output = master.raw(build, step["name"]).decode()
    assert step["results"] == result, output
    assert said in step["state_string"]
    found = master.properties(build)
    assert {name: found[name][0] for name in properties} == properties, output
