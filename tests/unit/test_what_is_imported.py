"""What commands import: what they do not need, they do not wait for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_CONFIGURATION = """\
from buildbot.plugins import *
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local')]
c['builders'] = [util.BuilderConfig(name='any', workernames=['local'], factory=util.BuildFactory(
    [steps.ShellCommand(command='true')]))]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['any'])]
"""
_RUN = """\
import sys
from chargehand.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end
print(*sys.modules, sep='\\n')
"""
_NOT_FOR_CHECKING = (
    "alembic",
    "buildbot.reporters",
    "chargehand.app.master",
    "chargehand.app.parts",
    "chargehand.links",
    "chargehand.store",
    "chargehand.testing",
    "chargehand.web",
    "chargehand_worker",
    "hypothesis",
    "importlib.metadata",
    "jinja2",
    "libcst",
    "sqlalchemy",
)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules that are imported when a small configuration has been checked."""
    config = tmp_path_factory.mktemp("checked") / "master.cfg"
    config.write_text(_CONFIGURATION)
    return _imported("checkconfig", config)


def _imported(*arguments: str | Path) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", _RUN, *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(ran.stdout.splitlines())


def test_checking_a_small_configuration_imports_nothing_that_only_a_master_needs(
    checked: set[str],
) -> None:
    assert "buildbot.steps.shell" in checked
    assert not _below(checked, _NOT_FOR_CHECKING)


def _below(modules: set[str], packages: tuple[str, ...]) -> list[str]:
    return sorted(
        module for module in modules if any(f"{module}.".startswith(f"{one}.") for one in packages)
    )


def test_the_tables_import_what_is_for_one_database_only() -> None:
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            "import chargehand.store.store, sys; print(*sys.modules, sep='\\n')",
        ],
        check=True,
        capture_output=True,
        text=True,
    )

    modules = set(ran.stdout.splitlines())
    assert "chargehand.store.engine.tables" in modules
    assert not _below(
        modules, ("sqlalchemy.dialects.mysql", "sqlalchemy.dialects.postgresql", "alembic")
    )


def test_a_master_imports_what_few_configurations_need_for_those_only() -> None:
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            "import chargehand.cli.serve, sys; print(*sys.modules, sep='\\n')",
        ],
        check=True,
        capture_output=True,
        text=True,
    )

    modules = set(ran.stdout.splitlines())
    assert "chargehand.app.worker_doors" in modules
    assert not _below(
        modules,
        (
            "chargehand.intake.git_poller",
            "chargehand.intake.svn_poller",
            "chargehand.links.msgpack",
            "chargehand.links.pb",
            "chargehand.store.plugin_database",
            "chargehand.store.retention",
            "chargehand.web.pages",
            "chargehand_wire.pb",
            "croniter",
            "hypothesis",
            "jinja2",
            "libcst",
            "chargehand.testing",
        ),
    )


_PARSED = """\
import sys
parsed = []
sys.addaudithook(lambda what, given: parsed.append(given[1]) if what == "compile" else None)
from chargehand.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end
print(*parsed, sep="\\n")
"""


def test_a_configuration_without_mistakes_is_not_searched_for_their_lines(tmp_path: Path) -> None:
    config = tmp_path / "master.cfg"
    config.write_text(_CONFIGURATION)

    ran = subprocess.run(
        [sys.executable, "-c", _PARSED, "checkconfig", config],
        check=True,
        capture_output=True,
        text=True,
    )

    parsed = ran.stdout.splitlines()
    assert parsed.count(str(config)) == 1
    assert "<unknown>" not in parsed  # What ast.parse calls a source.
