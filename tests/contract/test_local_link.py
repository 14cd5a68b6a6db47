"""A local worker: a real agent process, over a real socket."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import stat
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from waiting import PATIENCE, until

from chargehand.config.model import WorkerConfig
from chargehand.domain.command import Command, CommandUpdate, Output
from chargehand.domain.identifiers import CommandId
from chargehand.domain.session import CommandRefused, Receipt, SessionState, WorkerLost
from chargehand.links.native.local import LocalLink, LocalLinks
from chargehand.links.native.local_listener import LocalListener
from chargehand.links.native.session import NativeSession
from chargehand_wire.worker_side import WorkerSide


class Sessions:
    """A registry that remembers."""

    def __init__(self) -> None:
        self.attached: asyncio.Queue[NativeSession] = asyncio.Queue()
        self.detached: asyncio.Queue[NativeSession] = asyncio.Queue()
        self.states: list[SessionState] = []
        self.failures: list[str] = []
        """Why an agent could not be started."""

    async def attach(self, session: NativeSession) -> None:
        self.attached.put_nowait(session)

    def is_idle(self, worker_name: str) -> bool:
        return True

    def login_refused(self, worker_name: str, reason: str) -> None:
        raise AssertionError(f"worker {worker_name} was refused: {reason}")

    async def stop_requested(self, worker_name: str) -> None:
        raise AssertionError(f"worker {worker_name} asked to be shut down")

    def not_started(self, name: str, reason: str) -> None:
        self.failures.append(reason)

    def changed(self, session: NativeSession) -> None:
        self.states.append(session.state)

    async def detach(self, session: NativeSession, reason: str) -> None:
        self.detached.put_nowait(session)


class Heard:
    """What a command said."""

    def __init__(self) -> None:
        self.logs: dict[str, bytes] = {}
        self.values: dict[str, Any] = {}

    def receive(self, update: CommandUpdate) -> None:
        if isinstance(update, Output):
            text = zstandard.ZstdDecompressor().decompress(update.segment.data)
            assert len(text) == update.segment.size
            assert text.count(b"\n") == update.segment.line_count
            self.logs[update.log] = self.logs.get(update.log, b"") + text
        else:
            self.values[update.key] = update.value

    def lines(self, letter: str, log: str = "stdio") -> list[str]:
        whole = self.logs.get(log, b"").decode("utf-8", "replace").split("\n")
        return [line[1:] for line in whole if line.startswith(letter)]


class Running:
    """A link with its first session."""

    def __init__(self, link: LocalLink, sessions: Sessions, session: NativeSession) -> None:
        self.link = link
        self.sessions = sessions
        self.session = session
        self._count = 0

    def command(self, name: str, **arguments: Any) -> Command:
        self._count += 1
        return Command(id=CommandId(f"c{self._count}"), name=name, arguments=arguments)

    async def run(self, name: str, **arguments: Any) -> Heard:
        heard = Heard()
        await self.session.run(self.command(name, **arguments), heard.receive)
        return heard

    async def shell(self, command: str | list[Any], **arguments: Any) -> Heard:
        return await self.run(
            "shell", **{"workdir": "build", "logEnviron": False, "command": command, **arguments}
        )


def is_alive(process_id: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return False


def strays_of(worker: Running) -> list[str]:
    """The command lines of processes that work in the worker's directory, the agent's aside."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            directory = str((process / "cwd").readlink())
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if directory.startswith(worker.session.info.basedir):
            found.append(line)
    return found


@pytest.fixture
async def reception(tmp_path: Path) -> AsyncIterator[LocalListener]:
    reception = LocalListener(tmp_path / "agents")
    yield reception
    await reception.close()


def link_of(
    reception: LocalListener,
    sessions: Sessions,
    directory: Path,
    workdir: str = "w",
    inherit_environment: object = False,
    **more: Any,
) -> LocalLink:
    links = LocalLinks(reception=reception, directory=directory, **more)
    settings = {"workdir": workdir, "inherit_environment": inherit_environment}
    return links(WorkerConfig(name="w", kind="local", settings=settings), sessions)


@pytest.fixture
async def worker(reception: LocalListener, tmp_path: Path) -> AsyncIterator[Running]:
    sessions = Sessions()
    link = link_of(reception, sessions, tmp_path)
    await link.start()
    yield Running(link, sessions, await sessions.attached.get())
    await link.stop()


async def test_a_command_writes_buildbots_header_its_output_and_its_end(worker: Running) -> None:
    heard = await worker.shell(["echo", "a b"])

    assert heard.values["rc"] == 0
    assert heard.lines("o") == ["a b"]
    assert heard.lines("h")[:4] == [
        "echo 'a b'",
        f" in dir {worker.session.info.basedir}/build",
        " watching logfiles {}",
        " argv: [b'echo', b'a b']",
    ]
    assert heard.lines("h")[-2] == "program finished with exit code 0"


async def test_standard_output_and_error_keep_their_order_and_letters(worker: Running) -> None:
    heard = await worker.shell("echo one; sleep 0.05; echo two >&2; sleep 0.05; echo three")

    spoken = [line for line in heard.logs["stdio"].split(b"\n") if line[:1] in (b"o", b"e")]
    assert spoken == [b"oone", b"etwo", b"othree"]


async def test_errors_come_after_what_a_command_that_writes_much_wrote_before(
    worker: Running,
) -> None:
    script = """if True:
        import sys
        print(("x" * 79 + "\\n") * 8000, end="", flush=True)
        for number in range(300):
            print("output", number, flush=True)
            print("error", number, file=sys.stderr, flush=True)
    """

    heard = await worker.shell([sys.executable, "-c", script])

    lines = heard.logs["stdio"].decode().splitlines()
    places = {line[1:]: place for place, line in enumerate(lines)}
    late = [n for n in range(300) if places[f"error {n}"] < places[f"output {n}"]]
    assert late == []


async def test_an_exit_code_arrives_as_it_is(worker: Running) -> None:
    heard = await worker.shell(["sh", "-c", "exit 3"])

    assert heard.values["rc"] == 3
    assert "program finished with exit code 3" in heard.lines("h")
    assert isinstance(heard.values["elapsed"], float)


async def test_a_process_killed_by_a_signal_has_exit_code_minus_one(worker: Running) -> None:
    heard = await worker.shell(["sh", "-c", "kill -15 $$"])

    assert heard.values["rc"] == -1
    assert heard.lines("h")[-3:-1] == [
        "process killed by signal 15",
        "program finished with exit code -1",
    ]


async def test_a_program_that_does_not_exist_ends_with_127(worker: Running) -> None:
    heard = await worker.shell(["no-such-program", "x"])

    assert heard.values["rc"] == 127
    assert "no-such-program" in heard.lines("e")[0]


async def test_a_program_that_may_not_be_run_ends_with_126(worker: Running) -> None:
    heard = await worker.shell(["/etc/passwd"])

    assert heard.values["rc"] == 126
    assert "Permission denied" in heard.lines("e")[0]


async def test_secrets_among_the_arguments_are_passed_but_not_shown(worker: Running) -> None:
    heard = await worker.shell(["sh", "-c", "echo ${#1}", "sh", ("obfuscated", "hunter2", "XXX")])

    assert heard.lines("o") == ["7"]
    assert b"hunter2" not in heard.logs["stdio"]
    assert heard.lines("h")[0].endswith(" sh XXX")


async def test_a_command_that_is_silent_for_too_long_is_killed(worker: Running) -> None:
    heard = await worker.shell("echo a; sleep 600", timeout=1.5)

    assert heard.values["failure_reason"] == "timeout_without_output"
    assert heard.values["rc"] == -1
    # Whether an empty line comes before them depends on how soon the shell wrote.
    assert [line for line in heard.lines("h") if line][-4:-1] == [
        "command timed out: 1.5 seconds without output running b'echo a; sleep 600', "
        "attempting to kill",
        "process killed by signal 9",
        "program finished with exit code -1",
    ]


async def test_output_in_time_keeps_a_command_alive(worker: Running) -> None:
    heard = await worker.shell("for i in 1 2 3 4 5 6; do sleep 0.3; echo $i; done", timeout=1.5)

    assert heard.values["rc"] == 0
    assert heard.lines("o") == ["1", "2", "3", "4", "5", "6"]


async def test_a_command_that_runs_for_too_long_gets_a_term_first_if_asked(worker: Running) -> None:
    script = 'trap "echo bye; exit 7" TERM; while :; do sleep 0.02; done'

    heard = await worker.shell(["sh", "-c", script], maxTime=0.3, sigtermTime=30)

    assert heard.values["failure_reason"] == "timeout"
    assert heard.lines("o") == ["bye"]
    assert heard.values["rc"] == 7


async def test_a_killed_command_that_exits_with_zero_has_failed(worker: Running) -> None:
    script = 'trap "exit 0" INT; while :; do sleep 0.02; done'

    heard = await worker.shell(["sh", "-c", script], maxTime=0.3, interruptSignal="INT")

    assert heard.values["rc"] == -1


async def test_a_command_that_ignores_term_is_killed_all_the_same(worker: Running) -> None:
    script = "trap '' TERM INT HUP; while :; do sleep 0.02; done"

    heard = await worker.shell(["sh", "-c", script], maxTime=0.2, sigtermTime=0.2)

    assert "process killed by signal 9" in heard.lines("h")


async def test_a_command_that_writes_too_many_lines_is_killed(worker: Running) -> None:
    heard = await worker.shell("seq 1 100000; sleep 600", max_lines=5)

    assert heard.values["failure_reason"] == "max_lines_failure"
    assert any("/5 written/allowed" in line for line in heard.lines("h"))


async def test_standard_input_is_given_and_then_closed(worker: Running) -> None:
    text = "line\n" * 100_000

    heard = await worker.shell(["wc", "-c"], initial_stdin=text)

    assert heard.lines("o") == ["500000"]
    assert " writing 500000 bytes to stdin" in heard.lines("h")


async def test_standard_input_that_nobody_reads_does_no_harm(worker: Running) -> None:
    heard = await worker.shell(["true"], initial_stdin="x" * 1_000_000)

    assert heard.values["rc"] == 0


async def test_a_terminal_is_given_if_asked(worker: Running) -> None:
    heard = await worker.shell("tty; ps -o tty= -p $$; echo done", usePTY=True)

    assert heard.values["rc"] == 0
    assert heard.lines("o")[0].startswith("/dev/pts/")
    assert heard.lines("o")[-1] == "done"
    assert " using PTY: True" in heard.lines("h")


async def test_the_environment_is_altered_by_buildbots_rules(worker: Running) -> None:
    asked = {"A": "${NOPE}x", "B": ["a", "${HOME}"], "HOME2": "$HOME", "PATH2": None}

    heard = await worker.shell("echo $A $B $HOME2 $PWD", env=asked, logEnviron=True)

    home = worker.session.info.environ["HOME"]
    assert heard.lines("o") == [f"x a:{home} $HOME {worker.session.info.basedir}/build"]
    names = [line.partition("=")[0] for line in heard.lines("h") if line.startswith("  ")]
    assert names == sorted(names)
    assert "  HOME2=$HOME" in heard.lines("h")


async def test_an_impossible_environment_is_refused(worker: Running) -> None:
    with pytest.raises(CommandRefused, match="must be a string or a list"):
        await worker.shell(["true"], env={"X": 5})


async def test_names_that_are_not_text_arrive_and_can_be_used(
    worker: Running, tmp_path: Path
) -> None:
    odd = os.fsdecode(b"caf\xe9.txt")
    (tmp_path / "w" / odd).touch()

    found = await worker.run("glob", path="*.txt")
    listed = await worker.run("listdir", dir=".")
    echoed = await worker.shell(["echo", b"\xff", odd], env={"ODD": odd})
    removed = await worker.run("rmfile", path=odd)

    assert found.values["files"] == [str(tmp_path / "w" / odd)]
    assert odd in listed.values["files"]
    assert b"o\xff caf\xe9.txt\n" in echoed.logs["stdio"]
    assert removed.values["rc"] == 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("glob", {"path": "a\0b"}),
        ("stat", {"file": "a\0b"}),
        ("mkdir", {"dir": ["a\0b"]}),
        ("mkdir", {"dir": ["a\ud800b"]}),
        ("shell", {"workdir": "a\0b", "command": "true"}),
        ("shell", {"workdir": "b", "command": ["echo", "a\0b"]}),
        ("shell", {"workdir": "b", "command": ["echo", "a\ud800b"]}),
        ("shell", {"workdir": "b", "command": ["true", "x" * 200_000]}),
        ("shell", {"workdir": "b", "command": "true", "env": {"X": "x" * 3_000_000}}),
    ],
)
async def test_a_value_that_the_system_does_not_take_fails_its_command_alone(
    worker: Running, name: str, arguments: dict[str, Any]
) -> None:
    failed = await worker.run(name, **arguments)
    other = await worker.shell("echo fine")

    assert failed.values.get("rc") != 0 or not failed.values.get("files", True)
    assert other.lines("o") == ["fine"]


async def test_a_value_that_cannot_be_sent_fails_its_command_alone_and_at_once(
    worker: Running,
) -> None:
    assert (await worker.shell("mkfifo go")).values["rc"] == 0
    running = asyncio.ensure_future(worker.shell("read line < go; echo $line"))

    for wrong in ({"env": {"X": object()}}, {"initial_stdin": "z" * (65 << 20)}, {"a": 10**30}):
        with pytest.raises(CommandRefused, match="arguments of 'shell'"):
            await worker.shell("true", **wrong)

    assert not running.done()
    await worker.shell("echo fine > go")
    assert (await running).lines("o") == ["fine"]
    assert worker.sessions.states == []


async def test_an_unknown_command_is_refused(worker: Running) -> None:
    with pytest.raises(CommandRefused, match="no command 'frobnicate'"):
        await worker.run("frobnicate")


@pytest.mark.parametrize(
    "wrong", [{"command": []}, {"command": 5}, {"timeout": "soon"}, {"interruptSignal": "NOPE"}]
)
async def test_wrong_arguments_are_refused(worker: Running, wrong: dict[str, Any]) -> None:
    arguments = {"workdir": "b", "command": ["true"], **wrong}

    with pytest.raises(CommandRefused):
        await worker.run("shell", **arguments)


async def test_unwanted_streams_are_read_but_not_sent(worker: Running) -> None:
    heard = await worker.shell("seq 100000; echo err >&2", want_stdout=False)

    assert heard.lines("o") == []
    assert heard.lines("e") == ["err"]


async def test_carriage_returns_colours_and_bytes_that_are_not_text_are_kept(
    worker: Running,
) -> None:
    heard = await worker.shell(["printf", r"a\rb\r\n\033[31mred\033[0m\n\377\200\000\n"])

    assert b"oa\rb\r\no\x1b[31mred\x1b[0m\no\xff\x80\x00\n" in heard.logs["stdio"]


async def test_a_last_line_without_newline_gets_one(worker: Running) -> None:
    heard = await worker.shell(["printf", "no end"])

    assert heard.lines("o") == ["no end"]


async def test_another_encoding_becomes_utf_8(worker: Running) -> None:
    heard = await worker.shell(["printf", r"gr\374n\n"], encoding="latin-1")

    assert heard.lines("o") == ["grün"]


async def test_a_line_of_ten_megabytes_is_split_and_whole(worker: Running) -> None:
    heard = await worker.shell("head -c 10000000 /dev/zero | tr '\\0' x; echo; echo after")

    *pieces, after = heard.lines("o")
    assert after == "after"
    assert "".join(pieces) == "x" * 10_000_000
    assert max(map(len, pieces)) <= 1024 * 1024


async def test_files_that_a_command_writes_are_followed(worker: Running, tmp_path: Path) -> None:
    (tmp_path / "w" / "build").mkdir(parents=True)
    (tmp_path / "w" / "build" / "old.log").write_text("of yesterday\n")
    (tmp_path / "w" / "build" / "grows.log").write_text("before\n")

    heard = await worker.shell(
        "echo l1 > a.log; echo after >> grows.log; sleep 1; echo l2 >> a.log; printf end >> a.log",
        logfiles={
            "a": "a.log",
            "old": "old.log",
            "grows": {"filename": "grows.log", "follow": True},
            "never": "never.log",
        },
    )

    assert heard.lines("o", "a") == ["l1", "l2", "end"]
    assert heard.lines("o", "grows") == ["after"]
    assert set(heard.logs) == {"stdio", "a", "grows"}


@pytest.mark.parametrize(
    ("make", "what"),
    [
        ("mkdir log; sleep 0.6; touch log/x", "is a directory"),
        ("mkfifo log; sleep 0.6", "is a named pipe"),
        ("ln -s /dev/zero log; sleep 0.6", "is a device"),
        ("{python} -c 'import socket; socket.socket(1).bind(\"log\")'", "is a socket"),
    ],
)
async def test_a_log_file_that_is_no_file_is_not_followed(
    worker: Running, make: str, what: str
) -> None:
    command = make.format(python=sys.executable)

    heard = await worker.shell(command, logfiles={"l": "log"})

    assert heard.values["rc"] == 0
    assert f"log file 'l' {what}: not followed" in heard.lines("h")
    assert set(heard.logs) == {"stdio"}


async def test_a_log_file_may_be_rotated_while_it_is_followed(worker: Running) -> None:
    await worker.shell("mkfifo go")
    script = (
        "exec 3> log; echo one >&3; read < go; mv log log.1; echo two >&3; printf end >&3;"
        " exec 3> log; echo three >&3; read < go; cp log log.2; : > log;"
        " echo 4 >> log; mv log log.3; echo five > log"
    )
    heard = Heard()
    command = worker.command(
        "shell", workdir="build", command=["bash", "-c", script], logfiles={"l": "log"}
    )
    running = asyncio.ensure_future(worker.session.run(command, heard.receive))
    for line in ("one", "three"):
        await until(lambda line=line: line in heard.lines("o", "l"))
        await worker.shell("echo > go")
    await running

    assert heard.lines("o", "l") == ["one", "two", "end", "three", "4", "five"]


async def test_many_commands_run_at_once(worker: Running) -> None:
    heard = await asyncio.gather(
        *(worker.shell(f"echo {number}; exit {number}") for number in range(20))
    )

    assert [one.values["rc"] for one in heard] == list(range(20))
    assert [one.lines("o") for one in heard] == [[str(number)] for number in range(20)]


async def test_directories_are_prepared(worker: Running, tmp_path: Path) -> None:
    await worker.session.prepare(["b1", "deep/b2"])

    assert (tmp_path / "w" / "deep" / "b2").is_dir()


async def test_a_directory_that_cannot_be_is_refused(worker: Running, tmp_path: Path) -> None:
    (tmp_path / "w" / "file").write_text("")

    with pytest.raises(CommandRefused, match="file"):
        await worker.session.prepare(["file/below"])


async def test_file_commands_do_their_work(worker: Running, tmp_path: Path) -> None:
    base = tmp_path / "w" / "b"

    made = await worker.run("mkdir", dir=["b/one", "b/two/three"])
    (base / "one" / "file").write_text("12345")
    found = await worker.run("stat", file="b/one/file")
    names = await worker.run("listdir", dir="b")
    matching = await worker.run("glob", path="b/**/fi*")
    copied = await worker.run("cpdir", fromdir="b/one", todir="b/copy")
    removed = await worker.run("rmdir", dir=["b/one", "b/two"])
    unlinked = await worker.run("rmfile", path="b/copy/file")

    done = [made, found, names, matching, copied, removed, unlinked]
    assert [heard.values["rc"] for heard in done] == [0] * 7
    assert found.values["stat"][6] == 5
    assert names.values["files"] == ["one", "two"]
    assert matching.values["files"] == [str(base / "one" / "file")]
    assert [path.name for path in base.iterdir()] == ["copy"]
    assert list((base / "copy").iterdir()) == []


async def test_paths_start_from_the_builders_directory(worker: Running, tmp_path: Path) -> None:
    command = Command(
        id=CommandId("x"), name="mkdir", arguments={"dir": "build/new"}, builddir="builder"
    )

    await worker.session.run(command, Heard().receive)

    assert (tmp_path / "w" / "builder" / "build" / "new").is_dir()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("stat", {"file": "nope"}),
        ("listdir", {"dir": "nope"}),
        ("rmfile", {"path": "nope"}),
        ("cpdir", {"fromdir": "nope", "todir": "x"}),
    ],
)
async def test_file_commands_say_what_is_wrong(
    worker: Running, name: str, arguments: dict[str, Any]
) -> None:
    heard = await worker.run(name, **arguments)

    assert heard.values["rc"] != 0
    assert b"No such file" in heard.logs["stdio"]


async def test_interrupting_a_command_kills_it_and_says_so(worker: Running) -> None:
    heard = Heard()
    command = worker.command("shell", workdir="b", command="echo up; sleep 600", logEnviron=False)
    running = asyncio.ensure_future(worker.session.run(command, heard.receive))
    await until(lambda: "up" in heard.lines("o"))

    await worker.session.interrupt(command, "because")
    await running

    assert heard.values["rc"] == -1
    assert "command interrupted, attempting to kill" in heard.lines("h")


async def test_cancelling_a_run_leaves_nothing_behind(worker: Running) -> None:
    heard = Heard()
    command = worker.command("shell", workdir="b", command="echo $$; exec sleep 600")
    running = asyncio.ensure_future(worker.session.run(command, heard.receive))
    await until(lambda: bool(heard.lines("o")))

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert not is_alive(int(heard.lines("o")[0]))


async def test_a_receiver_that_fails_ends_its_command(worker: Running) -> None:
    def fail(update: CommandUpdate) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await worker.session.run(
            worker.command("shell", workdir="b", command="echo x; sleep 600"), fail
        )

    assert (await worker.shell(["true"])).values["rc"] == 0


@pytest.mark.parametrize(
    "escape",
    [
        "setsid sleep 600 >/dev/null 2>&1 &",
        "(setsid sh -c 'trap \"\" TERM HUP; sleep 600; :' >/dev/null 2>&1 &) &",
        "setsid sleep 600 &",
        "env -i setsid sleep 600 >/dev/null 2>&1 &",
        "nohup sleep 600 >/dev/null 2>&1 &",
    ],
    ids=["session", "double-fork", "holds-the-pipe", "clean-environment", "nohup"],
)
async def test_nothing_is_left_of_a_command_that_has_ended(worker: Running, escape: str) -> None:
    heard = await worker.shell(f"{escape} sleep 0.1; echo done")

    assert heard.values["rc"] == 0
    assert heard.lines("o") == ["done"]
    assert strays_of(worker) == []


async def test_nothing_is_left_of_a_command_that_was_interrupted(worker: Running) -> None:
    heard = Heard()
    script = "setsid sh -c 'trap \"\" TERM; sleep 600; :' & (setsid sleep 600 &) & echo up; wait"
    command = worker.command("shell", workdir="b", command=script)
    running = asyncio.ensure_future(worker.session.run(command, heard.receive))
    await until(lambda: "up" in heard.lines("o"))

    await worker.session.interrupt(command, "because")
    await running

    assert strays_of(worker) == []


@pytest.mark.parametrize(
    "command",
    [
        "setsid env -i /bin/sleep 600 & echo done",
        "setsid env -i /bin/sh -c '(/bin/sleep 600; :) & exec >/dev/null 2>&1; wait' & echo done",
        "setsid env -i /bin/sleep 600 >/dev/null 2>&1 & echo done",
    ],
)
async def test_what_hides_is_found_while_another_command_runs(
    worker: Running, command: str
) -> None:
    other = asyncio.ensure_future(worker.shell("sleep 600; :", workdir="other"))

    heard = await worker.shell(command)

    assert heard.lines("o") == ["done"]
    assert [line for line in strays_of(worker) if "/bin/sleep" in line] == []
    assert not other.done()
    other.cancel()


async def test_a_process_of_others_that_holds_the_output_is_not_waited_for(
    worker: Running, tmp_path: Path
) -> None:
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDER, str(tmp_path / "holder")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    await holder.stdout.readline()

    heard = await worker.shell([sys.executable, "-c", GIVER, str(tmp_path / "holder")])

    assert heard.values["rc"] == 0
    assert "holds its output open; not waiting for it" in heard.lines("h")[-3]
    assert holder.returncode is None
    holder.kill()
    await holder.wait()


HOLDER = """
import socket, sys
door = socket.socket(socket.AF_UNIX)
door.bind(sys.argv[1]); door.listen()
print("ready", flush=True)
kept = socket.recv_fds(door.accept()[0], 1, 1)
sys.stdin.read()
"""
GIVER = """
import socket, sys
way = socket.socket(socket.AF_UNIX)
way.connect(sys.argv[1])
socket.send_fds(way, [b"x"], [1])
"""


async def test_a_hanging_file_system_does_not_hold_up_a_stop(
    worker: Running, tmp_path: Path
) -> None:
    (tmp_path / "w" / "a").mkdir(parents=True)
    for name in range(40):
        (tmp_path / "w" / "a" / str(name)).symlink_to(".")
    heard = Heard()
    command = worker.command("glob", path="a/*/*/*/*/*/*/*/*/*")
    running = asyncio.ensure_future(worker.session.run(command, heard.receive))
    await worker.shell("true")

    await worker.session.interrupt(command, "enough")
    await asyncio.wait_for(running, PATIENCE)

    assert heard.values["rc"] == -1


async def test_a_helper_behind_the_process_may_finish_its_output(worker: Running) -> None:
    script = "exec > >(sleep 0.3; tr a-z A-Z); echo shout"

    heard = await worker.shell(["bash", "-c", script])

    assert heard.lines("o") == ["SHOUT"]


async def test_ending_one_command_does_not_touch_another(worker: Running) -> None:
    heard = Heard()
    command = worker.command(
        "shell", workdir="b", command="setsid sh -c 'sleep 1; echo survived' & wait; echo end"
    )
    other = asyncio.ensure_future(worker.session.run(command, heard.receive))

    for _ in range(5):
        await worker.shell("setsid sleep 600 >/dev/null 2>&1 & sleep 0.05")
    await other

    assert heard.lines("o") == ["survived", "end"]


async def test_a_directory_that_was_removed_is_made_again(worker: Running) -> None:
    await worker.session.prepare(["b"])
    await worker.run("rmdir", dir="b")

    await worker.session.prepare(["b"])
    found = await worker.run("stat", file="b")

    assert found.values["rc"] == 0


async def test_output_that_is_not_safe_holds_the_command_back(worker: Running) -> None:
    sizes: list[int] = []
    safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def receive(update: CommandUpdate) -> Receipt | None:
        if isinstance(update, Output):
            sizes.append(update.segment.size)
        return safe

    script = "seq 3000000; echo written > done"
    command = worker.command("shell", workdir="b", command=script, timeout=0.5, logEnviron=False)
    running = asyncio.ensure_future(worker.session.run(command, receive))
    await until(lambda: bool(sizes))
    await worker.shell("sleep 1")  # Longer than the command may be silent.
    held_back = not (Path(worker.session.info.basedir) / "b" / "done").exists()
    safe.set_result(None)
    await running

    assert held_back
    assert sum(sizes) > 3_000_000


async def test_a_killed_agent_loses_its_commands_and_leaves_no_orphan(worker: Running) -> None:
    heard = Heard()
    script = "echo $PPID; setsid sleep 600 & echo $!; trap '' TERM; sleep 600"
    command = worker.command("shell", workdir="b", command=script)
    running = asyncio.ensure_future(worker.session.run(command, heard.receive))
    await until(lambda: len(heard.lines("o")) == 2)

    os.kill(int(heard.lines("o")[0]), signal.SIGKILL)
    with pytest.raises(WorkerLost):
        await running
    assert await worker.sessions.detached.get() is worker.session
    worker.session = await worker.sessions.attached.get()

    assert (await worker.shell(["echo", "again"])).lines("o") == ["again"]
    assert strays_of(worker) == []


async def test_leftovers_of_a_killed_agent_and_guard_are_killed_at_the_next_start(
    worker: Running,
) -> None:
    heard = Heard()
    script = "echo $PPID; cut -d' ' -f4 /proc/$PPID/stat; setsid sleep 600 & echo $!; sleep 600"
    command = worker.command("shell", workdir="b", command=script)
    running = asyncio.ensure_future(worker.session.run(command, heard.receive))
    await until(lambda: len(heard.lines("o")) == 3)
    agent, guard, orphan = map(int, heard.lines("o"))

    os.kill(guard, signal.SIGSTOP)
    os.kill(agent, signal.SIGKILL)
    os.kill(guard, signal.SIGKILL)
    with pytest.raises(WorkerLost):
        await running
    await worker.sessions.attached.get()

    assert not is_alive(orphan)


async def test_running_on_a_closed_session_says_that_the_worker_is_lost(worker: Running) -> None:
    await worker.link.stop()

    with pytest.raises(WorkerLost):
        await worker.shell(["true"])
    assert strays_of(worker) == []


async def test_stopping_the_link_ends_what_runs(worker: Running) -> None:
    heard = Heard()
    command = worker.command("shell", workdir="b", command="echo $$; exec sleep 600")
    running = asyncio.ensure_future(worker.session.run(command, heard.receive))
    await until(lambda: bool(heard.lines("o")))

    await worker.link.stop()

    with pytest.raises(WorkerLost):
        await running
    assert not is_alive(int(heard.lines("o")[0]))


async def test_the_agent_ends_when_its_master_does_not_come_back(tmp_path: Path) -> None:
    script = Path(__file__).with_name("lone_master.py")
    master = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), str(tmp_path / "w"), "0.5"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert master.stdout is not None
    agent, command = map(int, (await master.stdout.readline()).split())
    assert is_alive(agent)
    assert is_alive(command)

    master.kill()
    await master.wait()

    await until(lambda: not is_alive(agent) and not is_alive(command))


async def test_the_worker_says_what_it_is(worker: Running, tmp_path: Path) -> None:
    info = worker.session.info

    assert info.basedir == str(tmp_path / "w")
    assert info.system == "posix"
    assert info.numcpus == os.cpu_count()
    assert info.os["os_id"] == platform.freedesktop_os_release()["ID"]
    assert {"shell", "mkdir", "rmdir", "stat"} <= set(info.commands)
    assert "PATH" in info.environ


async def test_a_variable_that_is_not_text_is_shown_with_escapes(
    reception: LocalListener, tmp_path: Path
) -> None:
    sessions = Sessions()
    odd = {**os.environ, "ODD": os.fsdecode(b"caf\xe9")}
    link = link_of(reception, sessions, tmp_path, environment=odd, inherit_environment=["ODD"])
    await link.start()

    try:
        session = await sessions.attached.get()
        heard = await Running(link, sessions, session).shell("printenv ODD")
    finally:
        await link.stop()

    assert session.info.environ["ODD"] == "caf\\xe9"
    assert b"ocaf\xe9\n" in heard.logs["stdio"]


async def test_commands_get_a_clean_environment(reception: LocalListener, tmp_path: Path) -> None:
    sessions = Sessions()
    shell = {**os.environ, "OF_THE_SHELL": "1", "PYTHONPATH": str(tmp_path), "LANG": "C.UTF-8"}
    link = link_of(reception, sessions, tmp_path, environment=shell)
    await link.start()

    try:
        worker = Running(link, sessions, await sessions.attached.get())
        heard = await worker.shell("env; command -v git sh")
    finally:
        await link.stop()

    variables = dict(line.split("=", 1) for line in heard.lines("o") if "=" in line)
    assert variables["LANG"] == "C.UTF-8"
    assert variables["HOME"]
    assert not {"OF_THE_SHELL", "PYTHONPATH", "VIRTUAL_ENV"} & set(variables)
    assert f"{sys.prefix}/bin" not in variables["PATH"].split(":")
    assert heard.values["rc"] == 0


async def test_links_are_made_of_configurations(reception: LocalListener, tmp_path: Path) -> None:
    sessions = Sessions()
    links = LocalLinks(reception=reception, directory=tmp_path / "workers")
    elsewhere = {"workdir": str(tmp_path / "elsewhere")}
    configured = [
        *(WorkerConfig(name=f"w{number}", kind="local") for number in range(3)),
        WorkerConfig(name="other", kind="local", settings=elsewhere),
    ]
    made = [links(config, sessions) for config in configured]

    await asyncio.gather(*(link.start() for link in made))
    there = [await sessions.attached.get() for _ in made]
    await asyncio.gather(*(link.stop() for link in made))

    assert {session.worker_name: session.info.basedir for session in there} == {
        **{f"w{number}": str(tmp_path / "workers" / f"w{number}") for number in range(3)},
        "other": str(tmp_path / "elsewhere"),
    }
    assert sessions.detached.qsize() == len(made)


@pytest.mark.slow
async def test_an_agent_that_hangs_is_killed_when_the_link_stops(worker: Running) -> None:
    heard = Heard()
    command = worker.command("shell", workdir="b", command="echo $PPID $$; exec sleep 600")
    running = asyncio.ensure_future(worker.session.run(command, heard.receive))
    await until(lambda: bool(heard.lines("o")))
    agent, child = map(int, heard.lines("o")[0].split())
    os.kill(agent, signal.SIGSTOP)

    await worker.link.stop()

    with pytest.raises(WorkerLost):
        await running
    await until(lambda: not is_alive(agent) and not is_alive(child))


async def test_a_command_that_is_interrupted_at_once_ends_at_once(worker: Running) -> None:
    heard = Heard()
    command = worker.command("shell", workdir="b", command="sleep 600", logEnviron=False)

    running = asyncio.ensure_future(worker.session.run(command, heard.receive))
    await asyncio.sleep(0)
    await worker.session.interrupt(command, "changed my mind")
    await running

    assert heard.values["rc"] == -1


async def test_interrupting_a_command_that_has_ended_does_no_harm(worker: Running) -> None:
    command = worker.command("shell", workdir="b", command="true", logEnviron=False)
    await worker.session.run(command, Heard().receive)

    await worker.session.interrupt(command, "too late")

    assert (await worker.shell(["true"])).values["rc"] == 0


async def test_secrets_are_hidden_in_all_logs(worker: Running) -> None:
    heard = await worker.shell(
        "printf 'x hunt'; printf 'er2 y\\n'; echo hunter2 >&2; echo hunter2 > f.log",
        env={"TOKEN": "hunter2", "WORD": "hunter2"},
        logEnviron=True,
        logfiles={"f": "f.log"},
        redactions=[("hunter2", "<token>")],
    )

    assert heard.lines("o") == ["x <token> y"]
    assert heard.lines("e") == ["<token>"]
    assert heard.lines("o", "f") == ["<token>"]
    assert "  WORD=<token>" in heard.lines("h")
    assert "  TOKEN=(not shown: its name looks secret)" in heard.lines("h")
    assert not any(b"hunter2" in text for text in heard.logs.values())


async def test_a_worker_whose_directory_cannot_be_made_comes_when_it_can(
    reception: LocalListener, tmp_path: Path
) -> None:
    sessions = Sessions()
    (tmp_path / "w").write_text("in the way")
    link = link_of(reception, sessions, tmp_path, "w/base")
    await link.start()
    async with asyncio.timeout(PATIENCE):
        await until(lambda: bool(sessions.failures))
        (tmp_path / "w").unlink()
        session = await sessions.attached.get()
    await link.stop()

    assert session.worker_name == "w"


@pytest.mark.slow
async def test_a_hundred_megabytes_of_text_arrive_quickly(
    worker: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes: list[int] = []

    def receive(update: CommandUpdate) -> None:
        if isinstance(update, Output):
            sizes.append(update.segment.size)

    line = "compiling an object of the usual kind, with about as many characters as lines have"
    script = f"yes '{line}' | head -c 100000000"
    command = worker.command("shell", workdir="b", command=script, logEnviron=False)
    loop = asyncio.get_running_loop()
    began, cpu = loop.time(), time.process_time()

    await worker.session.run(command, receive)

    seconds, cpu = loop.time() - began, time.process_time() - cpu
    with capsys.disabled():
        print(f" {100 / seconds:.0f} MB/s, {cpu:.2f} s of the master's CPU")
    assert sum(sizes) > 100_000_000


async def test_an_agent_that_never_says_hello_is_started_again(
    reception: LocalListener, tmp_path: Path
) -> None:
    """It would keep other workers from starting as well."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal\n"
        f"if not os.path.exists({str(tmp_path / 'hung')!r}):\n"
        f"    open({str(tmp_path / 'hung')!r}, 'w').close()\n"
        "    signal.pause()\n"
    )
    sessions = Sessions()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    link = link_of(reception, sessions, tmp_path, environment=environment, greeting_time=5.0)

    await link.start()
    async with asyncio.timeout(PATIENCE):
        session = await sessions.attached.get()
    await link.stop()

    assert session.worker_name == "w"
    assert (tmp_path / "hung").exists()


async def test_an_agent_that_goes_silent_is_started_anew(
    reception: LocalListener, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import signal\n"
        "signal.signal(signal.SIGUSR1, lambda *_: signal.sigwait({signal.SIGUSR2}))\n"
    )
    sessions = Sessions()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    link = link_of(reception, sessions, tmp_path, ping_every=0.1, environment=environment)
    await link.start()
    try:
        worker = Running(link, sessions, await sessions.attached.get())
        agent, running = await agent_of(worker)

        os.kill(agent, signal.SIGUSR1)

        with pytest.raises(WorkerLost):
            await running
        async with asyncio.timeout(PATIENCE):
            await sessions.attached.get()
        await until(lambda: not is_alive(agent))
    finally:
        await link.stop()


async def test_a_stopped_agent_is_let_go_on(reception: LocalListener, tmp_path: Path) -> None:
    sessions = Sessions()
    link = link_of(reception, sessions, tmp_path, ping_every=1.0)
    await link.start()
    try:
        worker = Running(link, sessions, await sessions.attached.get())
        agent, running = await agent_of(worker)

        os.kill(agent, signal.SIGSTOP)

        async with asyncio.timeout(PATIENCE):
            assert (await worker.shell("echo on")).lines("o") == ["on"]
        assert not running.done()
        running.cancel()
    finally:
        await link.stop()


async def agent_of(worker: Running) -> tuple[int, asyncio.Future[None]]:
    """Begin a long command, and return the agent that runs it."""
    heard = Heard()
    command = worker.command("shell", workdir="b", command="echo $PPID; exec sleep 600")
    running = asyncio.ensure_future(worker.session.run(command, heard.receive))
    await until(lambda: bool(heard.lines("o")))
    return int(heard.lines("o")[0]), running


def guard_of(agent: int) -> int:
    return int(Path(f"/proc/{agent}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize(
    "what_happens",
    [
        [("agent", signal.SIGSTOP)],
        [("guard", signal.SIGSTOP)],
        [("agent", signal.SIGSTOP), ("guard", signal.SIGSTOP)],
        [("guard", signal.SIGSTOP), ("agent", signal.SIGKILL)],
        [("agent", signal.SIGSTOP), ("guard", signal.SIGKILL)],
        [("guard", signal.SIGSTOP), ("agent", signal.SIGKILL), ("guard", signal.SIGKILL)],
        [("agent", signal.SIGSTOP), ("guard", signal.SIGTERM)],
        [("agent", signal.SIGKILL)],
        [("guard", signal.SIGKILL)],
    ],
)
async def test_nothing_stays_whatever_is_stopped_or_killed_before_the_link_stops(
    worker: Running, what_happens: list[tuple[str, signal.Signals]]
) -> None:
    agent, running = await agent_of(worker)
    processes = {"agent": agent, "guard": guard_of(agent)}

    for which, number in what_happens:
        os.kill(processes[which], number)
    await worker.link.stop()

    # What has given up everything may still need a moment to become a zombie.
    await until(lambda: not any(map(is_alive, processes.values())))
    assert strays_of(worker) == []
    with pytest.raises(WorkerLost):
        await running


async def test_a_link_that_is_stopped_while_its_agent_ends_leaves_nothing(
    worker: Running,
) -> None:
    agent, running = await agent_of(worker)
    guard = guard_of(agent)
    os.kill(guard, signal.SIGSTOP)

    worker.session.lose("it is to be given up")
    assert await worker.sessions.detached.get() is worker.session
    await worker.link.stop()

    await until(lambda: not is_alive(agent) and not is_alive(guard))
    with pytest.raises(WorkerLost):
        await running


async def test_a_stopped_agent_does_not_outlive_its_master_by_more_than_its_patience(
    tmp_path: Path,
) -> None:
    script = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-m', 'chargehand_worker', *sys.argv[1:]])\n"
        "sys.stdin.read()\n"
    )
    places = ("--door", str(tmp_path / "door"), "--lock", str(tmp_path / "lock"))
    (tmp_path / "lock").touch()
    door = await asyncio.start_unix_server(lambda reader, writer: None, tmp_path / "door")
    master = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, "local", *places, "--name", "w"),
        *("--basedir", str(tmp_path / "w"), "--patience", "0.5"),
        stdin=asyncio.subprocess.PIPE,
    )
    await until(lambda: len((tmp_path / "lock").read_text().split()) > 0)
    guard = int((tmp_path / "lock").read_text().split()[0])
    children = Path(f"/proc/{guard}/task/{guard}/children")
    await until(lambda: bool(children.read_text()))
    agent = int(children.read_text())
    os.kill(agent, signal.SIGSTOP)

    master.kill()
    await master.wait()

    async with asyncio.timeout(PATIENCE):
        await until(lambda: not is_alive(agent) and not is_alive(guard))
    door.close()


async def test_an_agent_that_is_merely_idle_is_left_alone(
    reception: LocalListener, tmp_path: Path
) -> None:
    sessions = Sessions()
    # It may be given up after four pings without an answer: two seconds, on a busy machine.
    link = link_of(reception, sessions, tmp_path, ping_every=0.5)
    await link.start()
    try:
        worker = Running(link, sessions, await sessions.attached.get())

        heard = await worker.shell(["sleep", "3"])

        assert heard.values["rc"] == 0
        assert sessions.attached.empty()
    finally:
        await link.stop()


async def test_a_command_outlives_its_connection_and_loses_nothing(worker: Running) -> None:
    heard = Heard()
    script = "echo $PPID; for n in $(seq 200); do echo $n; sleep 0.01; done"
    command = worker.command("shell", workdir="b", command=script, logEnviron=False)
    running = asyncio.ensure_future(worker.session.run(command, heard.receive))

    for count in (5, 50, 100):
        await until(lambda count=count: len(heard.lines("o")) > count)
        worker.session.cut()
    await running

    agent, *numbers = map(int, heard.lines("o"))
    assert numbers == list(range(1, 201))
    assert heard.values["rc"] == 0
    assert is_alive(agent)
    interrupted, connected = SessionState.INTERRUPTED, SessionState.CONNECTED
    assert worker.sessions.states == [interrupted, connected] * 3
    assert worker.sessions.attached.empty()


async def test_what_is_ordered_while_the_connection_is_gone_is_done_after_it(
    worker: Running,
) -> None:
    worker.session.cut()
    while worker.session.state is SessionState.CONNECTED:
        await asyncio.sleep(0)

    async with asyncio.timeout(PATIENCE):
        await worker.session.prepare(["some/where"])
        heard = await worker.shell("echo done")

    assert heard.lines("o") == ["done"]
    assert (Path(worker.session.info.basedir) / "some/where").is_dir()


async def test_a_worker_that_does_not_come_back_in_time_is_lost(
    reception: LocalListener, tmp_path: Path
) -> None:
    sessions = Sessions()
    links = LocalLinks(reception=reception, directory=tmp_path)
    settings = {"reconnect_timeout": 0.3}
    link = links(WorkerConfig(name="w", kind="local", settings=settings), sessions)
    await link.start()
    try:
        worker = Running(link, sessions, await sessions.attached.get())
        heard = Heard()
        command = worker.command("shell", workdir="b", command="echo $PPID $$; exec sleep 600")
        running = asyncio.ensure_future(worker.session.run(command, heard.receive))
        await until(lambda: bool(heard.lines("o")))
        agent, child = map(int, heard.lines("o")[0].split())

        os.kill(agent, signal.SIGSTOP)
        worker.session.cut()

        with pytest.raises(WorkerLost, match=r"did not reconnect within 0\.3 seconds"):
            await running
        async with asyncio.timeout(PATIENCE):
            await sessions.attached.get()
        await until(lambda: not is_alive(agent))
        assert not is_alive(child)
    finally:
        await link.stop()


async def test_a_stranger_under_a_workers_name_is_turned_away(
    worker: Running, reception: LocalListener
) -> None:
    stranger = WorkerSide(name="w", incarnation="another", info={})
    stranger.connect()
    reader, writer = await asyncio.open_unix_connection(reception.places.door)

    writer.write(stranger.take())
    answer = await reader.read()
    writer.close()

    assert answer == b""
    assert (await worker.shell(["true"])).values["rc"] == 0


async def test_the_door_is_closed_to_others_and_may_be_deep_in_the_file_system(
    tmp_path: Path,
) -> None:
    reception = LocalListener(tmp_path / ("deep/" * 40) / "agents")
    sessions = Sessions()
    link = link_of(reception, sessions, tmp_path)
    await link.start()

    session = await sessions.attached.get()
    mode = reception.places.door.stat().st_mode
    directory = reception.places.directory.stat().st_mode
    await link.stop()
    await reception.close()

    assert session.worker_name == "w"
    assert len(str(reception.places.door)) > 200
    assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE(directory) == 0o700
    assert not reception.places.door.exists()
