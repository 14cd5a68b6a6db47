"""The stubs of the extension API, with which editors and type checkers see it."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from chargehand.plugins.root import activate

_ROOT = Path(__file__).parents[2]


def _loaded(directory: str, name: str) -> ModuleType:
    activate()
    place = str(_ROOT / directory)
    sys.path.insert(0, place)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(place)


_package = _loaded("scripts/stubs", "package")
_pages = _loaded("docs/reference", "pages")


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Make the stubs as a wheel's build does: with nothing but the standard library."""
    place = tmp_path_factory.mktemp("stubs")
    script = _ROOT / "scripts" / "stubs" / "package.py"
    subprocess.run([sys.executable, "-I", "-S", str(script), str(place)], check=True)
    return {
        str(file.relative_to(place)): file.read_text(encoding="utf-8")
        for file in place.rglob("*.pyi")
    }


def test_every_stub_is_python_and_every_name_of_the_namespaces_leads_to_one(
    stubs: dict[str, str],
):
    defined = {path: _names(text) for path, text in stubs.items()}
    for path, text in stubs.items():
        if not path.startswith("plugins/"):
            continue
        for node in ast.parse(text).body:
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue  # namespaces of old names define them by what they import
            if not node.module.startswith("buildbot"):
                continue
            for alias in node.names:
                below = node.module.removeprefix("buildbot").replace(".", "/").strip("/")
                places = [f"{below}.pyi", f"{below}/__init__.pyi".lstrip("/")]
                inner = [f"{below}/{alias.name}.pyi", f"{below}/{alias.name}/__init__.pyi"]
                is_module = any(place in defined for place in inner)
                assert is_module or any(alias.name in defined.get(p, ()) for p in places), (
                    alias.name
                )


def _names(text: str) -> set[str]:
    found: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            found.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.AnnAssign):
            found.add(ast.unparse(node.target))
        elif isinstance(node, ast.Assign):
            found.update(ast.unparse(target) for target in node.targets)
    return found


def test_the_sources_say_of_arguments_what_the_reference_says():
    sources = _package.Sources(_ROOT / "src")
    for namespace in _pages.NAMESPACES:
        for name, kind in _pages.public(namespace).items():
            if isinstance(kind, type):
                found = sources.class_named(kind.__module__, kind.__name__)
                assert found is not None, name
                assert found.all_described().keys() == _pages.described(kind).keys(), name


_GOOD = """\
from __future__ import annotations

from typing import Any

from twisted.internet import defer

from buildbot.buildslave import BuildSlave
from buildbot.db.buildrequests import BuildRequestModel
from buildbot.plugins import changes, reporters, schedulers, secrets, steps, util, worker
from buildbot.process.buildstep import BuildStep, ShellMixin
from buildbot.steps.shell import ShellCommand
from buildbot.util.service import BuildbotService

same: type[ShellCommand] = steps.ShellCommand
also: type[BuildStep] = steps.BuildStep

class Counter(util.LogLineObserver):
    numTests = 0

    def outLineReceived(self, line: str) -> None:
        self.numTests += 1
        self.step.setProgress("tests", self.numTests)

class Framboozle(steps.ShellCommand):
    command = ["framboozler"]

    def __init__(self, speed: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.speed = speed
        self.addLogObserver("stdio", Counter())
        self.progressMetrics += ("tests",)

class Cleanup(ShellMixin, steps.BuildStep):
    name = "cleanup"

    def __init__(self, **kwargs: Any) -> None:
        kwargs = self.setupShellMixin(kwargs, prohibitArgs=["command"])
        super().__init__(**kwargs)

    @defer.inlineCallbacks
    def run(self) -> Any:
        cmd = yield self.makeRemoteShellCommand(command=["true"])
        yield self.runCommand(cmd)
        return cmd.results()

class Modern(steps.BuildStep):
    async def run(self) -> int:
        await self.addURL("link", "https://example.org")
        log = await self.addLog("own")
        await log.addStdout("text")
        return util.SUCCESS

class Sends(reporters.ReporterBase):
    async def sendMessage(self, reports: Any) -> None: ...

class Service(BuildbotService):
    name = "service"

    def checkConfig(self, where: str) -> None: ...
    async def reconfigService(self, where: str) -> None: ...

class Chosen:
    def getRenderingFor(self, build: Any) -> str:
        return str(build.getProperty("x"))

class Volumes(worker.KubeLatentWorker):
    def get_volumes(self, build: Any) -> list[str]:
        return []

def owner(request: BuildRequestModel) -> Any:
    return request.buildsetid

service = Service()
service.compare_attrs = ("where",)

@util.renderer
def chosen(props: Any) -> list[str]:
    return ["echo", props.getProperty("x")]

lock = util.MasterLock("lock", maxCount=2)
words = ["make", "all"]
f = util.BuildFactory([steps.Git(repourl=util.Interpolate("%(src::repository)s"), mode="full")])
f.addStep(
    steps.ShellCommand(
        command=["make", util.Property("target", default="all"), ["-j", "2"]],
        env={"A": util.Interpolate("%(prop:x)s"), "PATH": ["/opt/bin", "${PATH}"]},
        timeout=60,
        haltOnFailure=True,
        doStepIf=lambda step: True,
        locks=[lock.access("counting")],
    )
)
f.addStep(steps.ShellCommand(command=words))
f.addStep(steps.ShellCommand(command=chosen))
f.addStep(Framboozle(speed=2, name="fast"))
f.addStep(steps.Trigger(schedulerNames=["t"], set_properties={"a": util.Property("b")}))
f.addStep(steps.FileUpload(workersrc="a", masterdest=util.Interpolate("b")))
pool = util.EqConnectionPool("sqlite3", "tests.sqlite", cp_max=1)
f.addStep(steps.SetPropertyFromCommand("date", command="date"))
f.addStep(steps.Mercurial(repourl="https://example.org"))

c: dict[str, Any] = {}
c["workers"] = [worker.LocalWorker("local"), worker.Worker("far", "pass", max_builds=3)]
c["workers"].append(BuildSlave("old", "pass"))
c["change_source"] = [
    changes.GitPoller("https://example.org/x.git", branches=["main"], pollInterval=60),
    changes.SVNPoller("svn://example.org", split_file=util.svn.split_file_branches),
]
c["builders"] = [util.BuilderConfig(name="b", workernames=["local"], factory=f, tags=["x"])]
shared = {"A": util.Interpolate("%(prop:x)s"), "B": "b"}
c["builders"].append(util.BuilderConfig(name="e", env=shared, factory=f))
c["schedulers"] = [
    schedulers.SingleBranchScheduler(
        name="s",
        builderNames=["b"],
        treeStableTimer=3,
        change_filter=util.ChangeFilter(branch="main"),
    ),
    schedulers.Nightly(name="n", builderNames=["b"], hour=3, minute=[0, 30]),
    schedulers.ForceScheduler(
        "force", builderNames=["b"], properties=[util.StringParameter(name="x", size=3)]
    ),
]
generator = reporters.BuildStatusGenerator(mode="all")
c["services"] = [
    reporters.MailNotifier(fromaddr="ci@example.org", generators=[generator]),
    Sends(generators=[generator]),
    Service("here"),
]
c["secretsProviders"] = [secrets.SecretInAFile(dirname="secrets")]


class Quiet(steps.ShellCommand):
    name = "quiet"
    haltOnFailure = 1
    flunkOnFailure = False
    description = ["being", "quiet"]
    timeout = None

    def shout(self) -> str:
        limit = self.timeout * 2 if self.timeout else 0
        return f"{self.name.upper()} {limit} {self.build.anything} {self.step_of_mine()}"

    def step_of_mine(self) -> bool:
        return bool(self.haltOnFailure) and not self.workdir.endswith("/")


made_of = ["make", util.Property("target"), util.Interpolate("%(prop:a)s")]
environment = {"A": "b", "C": util.Property("c"), "D": ["e", "f"]}
steps.ShellCommand(command=made_of, env=environment)
worker.Worker("other", util.Secret("password"))
"""

_BAD = [
    "steps.ShellCommand(command=['make'], time_out=3)",
    "steps.ShellCommand(command=['make'], timeout='long')",
    "steps.Git(repourl=3)",
    "steps.ShelCommand(command='x')",
    "steps.Trigger(schedulerNames=['x'], set_properties=['a'])",
    "steps.FileUpload(workersrc='a', masterdest='b', workdest='c')",
    "schedulers.Nightly(name='n', builderNames=['b'], our=3)",
    "schedulers.Periodic(name='n', builderNames=['b'], periodicBuildTimer='hourly')",
    "util.BuilderConfig(name='b', workernam='x')",
    "util.BuildFactori()",
    "util.Interpolate(3)",
    "reporters.MailNotifier(fromaddr='x', relay='y')",
    "worker.Worker('x', 'y', max_build=3)",
    "changes.GitPoller()",
    "steps.ShellCommand(command='x').name.upperr()",
    "schedulers.Triggerable(name='t', builderNames=['b']).name.upperr()",
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an environment with the files of the wheel; return its Python."""
    place = tmp_path_factory.mktemp("installed")
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(place), str(_ROOT)]
    subprocess.run(wheel, check=True)
    venv.create(place / "venv", symlinks=True, with_pip=False)
    (site,) = (place / "venv").glob("lib/python3*/site-packages")
    with zipfile.ZipFile(next(place.glob("*.whl"))) as archive:
        archive.extractall(site)
    ours = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "dependencies.pth").write_text(f"{ours}\n")
    return place / "venv" / "bin" / "python"


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["mypy", "pyright"])
def test_type_checkers_accept_good_files_of_users_and_refuse_wrong_ones(
    tool: str, installed: Path, tmp_path: Path
):
    (tmp_path / "good.py").write_text(_GOOD)
    head = "from buildbot.plugins import changes, reporters, schedulers, steps, util, worker\n"
    (tmp_path / "bad.py").write_text(head + "\n".join(_BAD) + "\n")
    options = {
        "mypy": ["--strict", "--config-file=", "--python-executable", str(installed)],
        "pyright": ["--pythonpath", str(installed)],
    }[tool]

    found = subprocess.run(
        [sys.executable, "-m", tool, *options, "good.py", "bad.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
    )

    errors = re.findall(r"(\w+\.py):(\d+)(?::\d+)?(?: -|:) error", found.stdout)
    assert {file for file, _ in errors} == {"bad.py"}, found.stdout + found.stderr
    assert {int(line) for _, line in errors} == set(range(2, len(_BAD) + 2)), found.stdout


@pytest.mark.slow
def test_mypy_finds_a_misspelled_argument_in_the_sample_and_nothing_else(
    installed: Path, tmp_path: Path
):
    """As the guide check-types says, for the file that it says it of."""
    place = _ROOT / "src" / "chargehand" / "cli" / "templates" / "master.cfg.sample"
    guide = (_ROOT / "docs" / "how-to" / "check-types.md").read_text()
    (message,) = re.findall(r"^master\.cfg:\d+: error: .*$", guide, re.MULTILINE)
    sample = place.read_text()
    (tmp_path / "master.cfg").write_text(
        sample.replace("name='test',", "name='test', time_out=60,")
    )

    options = ["--config-file=", "--no-color-output", "--python-executable", str(installed)]
    found = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "master.cfg"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    errors = [text for text in found.stdout.splitlines() if ": error: " in text]
    assert errors == [message], found.stdout + found.stderr


@pytest.mark.slow
def test_pyright_finds_nothing_in_the_sample(installed: Path, tmp_path: Path):
    sample = _ROOT / "src" / "chargehand" / "cli" / "templates" / "master.cfg.sample"
    (tmp_path / "sample.py").write_text(sample.read_text())

    found = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", str(installed), "sample.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
    )

    assert "0 errors" in found.stdout, found.stdout + found.stderr
