"""Whatever else is installed, ``import buildbot`` is ours; shown in processes of their own."""

import subprocess
import sys
from pathlib import Path

SOURCE = str(Path(__file__).resolve().parents[2] / "src")


def run(code, *paths):
    program = f"import sys; sys.path[:0] = {[*map(str, paths), SOURCE]!r}\n{code}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def foreign(tmp_path):
    (tmp_path / "buildbot" / "process").mkdir(parents=True)
    (tmp_path / "buildbot" / "__init__.py").write_text("")
    (tmp_path / "buildbot" / "process" / "__init__.py").write_text("")
    return tmp_path


def test_our_package_goes_before_a_foreign_one(tmp_path):
    code = """
from chargehand.plugins.root import activate
root = activate()
assert sys.path[0] == str(root)
import buildbot
print(buildbot.__file__.startswith(str(root)))
"""

    assert run(code, foreign(tmp_path)) == "True"


def test_a_foreign_package_that_was_imported_already_is_replaced(tmp_path):
    code = """
import buildbot.process
from chargehand.plugins.root import activate
root = activate()
import buildbot.process.results
print(buildbot.process.results.__file__.startswith(str(root)))
"""

    assert run(code, foreign(tmp_path)) == "True"


def test_users_tests_get_our_package_by_the_pytest_plug_in(tmp_path):
    (tmp_path / "conftest.py").write_text("import buildbot.process.results\n")
    (tmp_path / "test_x.py").write_text("def test_x():\n    pass\n")
    code = f"""
import pytest
sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '--rootdir', {str(tmp_path)!r},
                      {str(tmp_path)!r}]))
"""

    assert "1 passed" in run(code, foreign(tmp_path / "other"))
