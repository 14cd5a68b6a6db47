"""Stock `buildbot-worker` 4.3.0, as it is installed from PyPI, builds for our master."""

from __future__ import annotations

import os
import signal
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from connections import free_port
from installed_master import FAILURE, RETRY, SUCCESS, InstalledMaster
from stock_worker import PROGRAMS, StockWorker
from waiting import eventually

PROTOCOLS = ["pb", pytest.param("msgpack_experimental_v7", marks=pytest.mark.slow)]

_CONFIGURATION = """
c['protocols'] = {'PROTOCOL': {'port': 'tcp:PORT:interface=127.0.0.1'}}
c['workers'] = [worker.Worker('stock', util.Interpolate('%(kw:word)s', word='se' + 'cret'),
                              max_builds=2, keepalive_interval=60, missing_timeout=5)]
def add(name, *steps_, **more):
    c['builders'].append(util.BuilderConfig(
        name=name, factory=util.BuildFactory(steps_), workernames=['stock'], **more))
"""


class Site:
    """A master with one stock worker."""

    def __init__(self, path: Path, protocol: str) -> None:
        self.port = free_port()
        self.protocol = protocol
        self.master = InstalledMaster(path / "master")
        self.worker = StockWorker(
            path / "worker", f"127.0.0.1:{self.port}", f"--protocol={protocol}"
        )

    def start(self, configuration: str) -> InstalledMaster:
        """Start both, and wait until they are connected."""
        head = _CONFIGURATION.replace("PROTOCOL", self.protocol)
        head = head.replace("PORT", str(self.port))
        self.master.write(head + textwrap.dedent(configuration))
        self.master.start()
        self.worker.start()
        self.connected()
        return self.master

    def connected(self) -> None:
        """Wait until the worker is connected."""
        self.master.connected("stock")

    def end(self) -> None:
        """Leave nothing behind."""
        self.worker.end()
        self.master.end()


@pytest.fixture(params=PROTOCOLS)
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    assert PROGRAMS.exists(), "run scripts/set-up test: it installs the stock worker"
    made = Site(tmp_path, request.param)
    yield made
    made.end()


def result(build: dict[str, Any]) -> tuple[int, str]:
    return build["results"], build["state_string"]


def test_a_stock_worker_builds_and_moves_files(site: Site) -> None:
    master = site.start("""
        add('b',
            sh('echo out; echo err >&2; echo "$A$PWD"; cat', env={'A': 'a'}, initialStdin='given',
               logfiles={'trace': 'trace.log'}, name='shell'),
            steps.StringDownload('text', workerdest='d.txt', mode=0o600),
            sh('cat d.txt && mkdir d && echo in > d/f && seq 1 100000 > big', name='seen'),
            steps.FileUpload('big', HERE / 'got'),
            steps.DirectoryUpload('d', HERE / 'dir', compress='gz'),
            steps.SetPropertyFromCommand(command='echo value', property='p'),
            sh('exit 3', name='fails'))
    """)

    build = master.build("b")

    assert build["results"] == FAILURE
    assert [step["name"] for step in master.steps(build)][-1] == "fails"
    output = master.output(build, "shell")
    assert output[:1] == ["out"]
    assert output[-1] == "given"
    assert output[1].startswith("a/")
    assert "eerr" in master.lines(build, "shell")
    assert "hprogram finished with exit code 3" in master.lines(build, "fails")
    assert master.output(build, "seen") == ["text"]
    assert master.file("got").read_text().split()[-1] == "100000"
    assert master.file("dir/f").read_text() == "in\n"
    assert master.properties(build)["p"][0] == "value"
    worker = master.one("workers/stock")
    assert worker["workerinfo"]["version"] == "4.3.0"
    assert "Traceback" not in master.log


@pytest.mark.slow
def test_all_kinds_of_steps_run(site: Site, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    for command in (
        ["init", "-q", "-b", "main"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "one"],
    ):
        repository.mkdir(exist_ok=True)
        subprocess.run(["git", *command], cwd=repository, check=True)
    (tmp_path / "large").write_bytes(os.urandom(5_000_000))
    master = site.start(f"""
        add('b',
            steps.Git(repourl={str(repository)!r}, mode='full', method='clobber', branch='main'),
            steps.Git(repourl={str(repository)!r}, mode='incremental', branch='main'),
            steps.MakeDirectory(dir='build/x/y'),
            steps.CopyDirectory(src='build/x', dest='build/z'),
            steps.FileExists(file='build/.git/HEAD'),
            steps.RemoveDirectory(dir='build/z'),
            steps.FileDownload({str(tmp_path / "large")!r}, workerdest='large', blocksize=4096),
            steps.FileUpload('large', HERE / 'large', keepstamp=True),
            steps.MultipleFileUpload(['*.git', 'la*'], HERE / 'multiple', glob=True),
            steps.ShellCommand(command=['tty'], usePTY=True, name='pty', flunkOnFailure=False),
            steps.ShellCommand(command=['sleep', '100'], timeout=1, name='silent',
                               flunkOnFailure=False),
            steps.ShellCommand(command='yes', max_lines=10, name='talks', flunkOnFailure=False),
            steps.FileUpload('missing', HERE / 'm', name='missing', haltOnFailure=False))
    """)

    build = master.build("b")

    failed = [s["name"] for s in master.steps(build) if s["results"] != SUCCESS]
    assert failed == ["silent", "talks", "missing"]
    large = (tmp_path / "large").read_bytes()
    assert master.file("large").read_bytes() == large
    assert master.file("multiple/large").read_bytes() == large
    assert "Cannot open file" in master.step(build, "missing")["state_string"]
    assert "timed out" in master.step(build, "silent")["state_string"]


@pytest.mark.slow
def test_faults_that_stock_workers_have_are_lived_with(site: Site, tmp_path: Path) -> None:
    """Each step is one that Buildbot's master or worker gets wrong over one of the protocols."""
    (tmp_path / "token").write_text("correct horse")
    (tmp_path / "token").chmod(0o600)
    master = site.start(f"""
        from buildbot.process.remotecommand import RemoteShellCommand
        class Hides(steps.BuildStep):
            async def run(self):
                hidden = [('obfuscated', 'hunter2', 'XXX'), ('obfuscated', 'pw', 'YY')]
                command = RemoteShellCommand('build', ['echo', *hidden])
                command.useLog(await self.addLog('stdio'), True)
                await self.runCommand(command)
                return command.results()
        c['secretsProviders'] = [secrets.SecretInAFile({str(tmp_path)!r})]
        add('b',
            steps.StringDownload('text\\n' * 100_000, workerdest='text', name='sent'),
            sh('test $(wc -c < text) = 500000', name='arrived'),
            sh('touch -d 2001-02-03T04:05:06Z text', name='old'),
            steps.FileUpload('text', HERE / 'kept', keepstamp=True, name='keeps-times'),
            sh("printf '%010000d\\n' 7; printf end", name='long-line'),
            Hides(name='hides'),
            steps.ShellCommand(command=['echo', util.Secret('token')], name='secret'),
            steps.ShellCommand(command=['echo', 'x' * 700_000], name='too-long'),
            sh('true', name='after', alwaysRun=True))
    """)

    build = master.build("b")

    failed = [step["name"] for step in master.steps(build) if step["results"] != SUCCESS]
    assert failed == ["too-long"]
    assert master.file("kept").stat().st_mtime == 981_173_106
    *whole, end = master.output(build, "long-line")
    assert end == "end"
    if site.protocol == "pb":  # This worker loses text, and no master can help it.
        assert len("".join(whole)) < 10_000
    else:
        assert whole == [f"{7:010000d}"]
    assert master.output(build, "hides") == ["hunter2 pw"]
    header = [line for line in master.lines(build, "hides") if line.startswith("h")]
    assert not any("hunter2" in line for line in header)
    assert "hecho XXX YY" in header
    assert "h argv: [b'echo', b'XXX', b'YY']" in header
    assert "hunter2" not in master.log
    assert master.output(build, "secret") == ["<token>"]
    assert not any("horse" in line for line in master.lines(build, "secret"))


@pytest.mark.slow
def test_two_builds_run_at_once_and_one_is_stopped(site: Site) -> None:
    master = site.start("""
        add('a', blocking('a'))
        add('b', sh('trap "" TERM; sleep 100', name='long'))
    """)
    first, second = master.force("a"), master.force("b")
    master.wait_for_file("a.running")
    running = master.running_build(second)

    master.order(f"builds/{running['buildid']}", "stop", reason="enough")
    master.completed(second)
    master.let_go("a")

    master.completed(first)
    assert result(master.builds_of(first)[-1])[0] == SUCCESS
    assert "enough" in master.builds_of(second)[-1]["state_string"]


@pytest.mark.slow
@pytest.mark.parametrize("end", [StockWorker.end, "freeze"])
def test_a_build_is_retried_when_its_worker_dies(
    site: Site, end: Callable[[StockWorker], None]
) -> None:
    master = site.start("add('a', blocking('a'))")
    request = master.force("a")
    master.wait_for_file("a.running")

    if end == "freeze":  # It comes back from somewhere else, and the old one does not answer.
        site.worker.signal(signal.SIGSTOP)
        frozen = site.worker.let_go()
        site.worker.start()
        eventually("the end of the first build", lambda: master.builds_of(request)[0]["complete"])
        os.killpg(frozen.pid, signal.SIGKILL)
        frozen.wait()
    else:
        site.worker.end()
        eventually("the end of the first build", lambda: master.builds_of(request)[0]["complete"])
        site.worker.start()
    master.let_go("a")

    assert master.completed(request)["results"] == SUCCESS
    first, last = master.builds_of(request)
    assert result(first)[0] == RETRY
    assert "worker lost" in first["state_string"]
    assert last["results"] == SUCCESS


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_worker_comes_back_to_a_master_that_was_restarted(site: Site, how: str) -> None:
    master = site.start("add('a', blocking('a'))")
    request = master.force("a")
    master.wait_for_file("a.running")

    if how == "stop":
        master.stop()
    else:
        master.kill()
    master.let_go("a")
    master.start()
    site.connected()

    assert master.completed(request)["results"] == SUCCESS
    assert not site.worker.has_ended


@pytest.mark.slow
def test_a_worker_is_shut_down_on_request_of_either_side(site: Site) -> None:
    master = site.start("add('a', blocking('a'))")
    request = master.force("a")
    master.wait_for_file("a.running")

    master.order("workers/stock", "stop")
    assert master.one("workers/stock")["graceful"]
    master.let_go("a")
    assert master.completed(request)["results"] == SUCCESS
    eventually("the worker's end", lambda: site.worker.has_ended)

    site.worker.start()
    site.connected()
    assert master.build("a")["results"] == SUCCESS
    if site.protocol == "pb":
        site.worker.signal(signal.SIGHUP)
        eventually("the worker's end", lambda: site.worker.has_ended)


@pytest.mark.slow
def test_a_wrong_password_is_shown_and_can_be_mended(site: Site) -> None:
    master = site.start("add('a', sh('true'))")
    site.worker.end()
    tac = site.worker.path / "buildbot.tac"
    good = tac.read_text()
    tac.write_text(good.replace("secret", "wrong"))

    site.worker.start()

    def shown() -> bool:
        return "wrong password" in str(master.one("workers/stock")["pause_reason"])

    eventually("the refusal", shown)
    assert "127.0.0.1" in master.waits(master.force("a"), "no_worker_connected")
    site.worker.end()
    tac.write_text(good)
    site.worker.start()
    site.connected()
    eventually("that it is well", lambda: not master.one("workers/stock")["pause_reason"])


def test_names_of_files_that_are_odd_arrive_or_their_steps_say_why_not(site: Site) -> None:
    r"""Stock workers take and send line ends in names; none that is no UTF-8: they cannot name it.

    A whole directory travels as an archive, in which they can.
    """
    master = site.start(r"""
        make = (r"import os; os.mkdir('d'); [open(os.path.join(b'd', n), 'wb').write(n)"
                r" for n in (b'new\nline', b'bad\xff\xfe')]")
        no = dict(haltOnFailure=False, alwaysRun=True)
        add('b',
            steps.ShellCommand(command=['python3', '-c', make], name='make'),
            steps.FileUpload('d/new\nline', HERE / 'up', **no),
            steps.StringDownload('text', workerdest='e/new\nline', name='down', **no),
            steps.CopyDirectory('build/d', 'build/new\ncopy', name='copy', **no),
            steps.DirectoryUpload('d', HERE / 'tree', name='tree', **no),
            steps.FileUpload(b'd/bad\xff\xfe'.decode('utf-8', 'surrogateescape'), HERE / 'bad',
                             name='bad', **no),
            steps.MultipleFileUpload(['d/*'], HERE / 'all', glob=True, name='pattern', **no))
    """)

    build = master.build("b")

    failed = {step["name"]: step for step in master.steps(build) if step["results"] != SUCCESS}
    assert [*failed] == ["bad", "pattern"]
    assert r"'d/bad\udcff\udcfe' has characters that cannot be sent" in build["state_string"]
    assert not any(
        "Traceback" in line
        for log in master.logs(build, "bad")
        for line in master.lines(build, "bad", log)
    ), "the user's code has no part in it"
    why = "the worker could not send its answer: a file name may not be valid UTF-8"
    assert why in failed["pattern"]["state_string"]
    assert master.file("up").read_bytes() == b"new\nline"
    assert sorted(os.listdir(os.fsencode(master.file("tree")))) == [b"bad\xff\xfe", b"new\nline"]
