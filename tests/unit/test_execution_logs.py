"""Logs: whole lines in order, bounded, and heard by observers."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from step_workshop import StepWorkshop
from waiting import PATIENCE

from buildbot.process.buildstep import BuildStep
from buildbot.process.logobserver import (
    BufferLogObserver,
    LineConsumerLogObserver,
    LogLineObserver,
    LogObserver,
    OutputProgressObserver,
)
from buildbot.process.results import SUCCESS
from buildbot.steps.shell import ShellCommand
from chargehand.config.model import LogConfig
from chargehand.domain.build import Channel, LogType, Segment
from chargehand.domain.command import Output, Value
from chargehand.kit.redaction import Redaction
from chargehand.logs.limits import LimitedLog
from chargehand.logs.reading import ReadableSegment
from chargehand.logs.segments import (
    lines_of,
    pieces_of,
    runs_of,
    segment_of,
    with_letter,
)
from chargehand.logs.writer import LogFailed, LogWriter
from chargehand.testing.scripted_session import Script, ScriptedSession

LINES = st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), max_size=30)


@given(st.lists(st.tuples(st.sampled_from(Channel), LINES.filter(bool)), max_size=10))
def test_letters_come_off_as_they_were_put_on(parts):
    stored = b"".join(with_letter(channel, b"\n".join(lines) + b"\n") for channel, lines in parts)

    assert lines_of(segment_of(stored)) == stored if stored else True
    flat = [(channel, line) for channel, lines in parts for line in lines]
    found = [(channel, line) for channel, run in runs_of(stored) for line in run[:-1].split(b"\n")]
    assert found == flat


@given(LINES, st.integers(1, 50))
def test_pieces_are_whole_lines_and_nothing_is_lost(lines, size):
    text = b"".join(line + b"\n" for line in lines)

    pieces = list(pieces_of(text, size))

    assert b"".join(pieces) == text
    assert all(piece.endswith(b"\n") for piece in pieces)


@given(LINES, st.integers(0, 200), st.one_of(st.none(), st.integers(1, 100)), st.integers(1, 60))
def test_a_limited_log_keeps_its_beginning_and_end(lines, limit, tail, chunk):
    text = b"".join(b"o" + line + b"\n" for line in lines)
    limited = LimitedLog(LogType.STDIO, limit, tail)

    stored = b""
    for piece in pieces_of(text, chunk):
        if (admitted := limited.admit(segment_of(piece))) is not None:
            stored += lines_of(admitted)
    if (rest := limited.rest()) is not None:
        stored += lines_of(rest)

    if len(text) <= limit:
        assert stored == text
        return
    begin, _, end = stored.partition(f"hOutput exceeded {limit} bytes".encode())
    assert text.startswith(begin)
    assert len(begin) <= limit
    if b"hFinal " in end:
        last = end.split(b"bytes follow below\n", 1)[1]
        assert text.endswith(last)
        assert len(last) <= (tail or 0)


class MemorySink:
    """`Sink` in memory. Set ``failure`` to let it take nothing."""

    def __init__(self):
        self.log = None
        self.lines = []
        self.failure = None
        self.is_finished = False

    async def opened(self):
        return self.log

    def append(self, segment):
        if self.failure is not None:
            raise self.failure
        self.lines.append(lines_of(segment))
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    async def flush(self):
        if self.failure is not None:
            raise self.failure

    async def read(self):
        return b"".join(self.lines)

    async def finish(self):
        self.is_finished = True


def writer(sink, kind=LogType.STDIO, **options):
    return LogWriter(kind=kind, sink=sink, **options)


def printed(lines):
    return ReadableSegment(segment_of(lines))


async def test_partial_lines_wait_for_their_end():
    sink, heard = MemorySink(), []
    log = writer(sink)
    log.subscribe(lambda channel, text: heard.append(text))

    log.write(Channel.STDOUT, "par")
    log.write(Channel.STDERR, "err")
    assert heard == []
    log.write(Channel.STDOUT, "tial\nnext")
    assert heard == ["partial\n"]
    await log.flush()
    assert sink.lines == [b"opartial\n"]

    await log.end()
    assert b"".join(sink.lines) == b"opartial\nonext\neerr\n"
    assert heard == ["partial\n", "next\n", "err\n", None]
    assert sink.is_finished


@pytest.mark.looptime
async def test_whole_lines_are_appended_soon(looptime):
    sink = MemorySink()
    log = writer(sink)

    log.write(Channel.STDOUT, "a\n")
    log.write(Channel.STDOUT, "b\n")
    await asyncio.sleep(0.2)

    assert sink.lines == [b"oa\nob\n"]


async def test_the_workers_segments_come_after_what_was_written_before():
    sink = MemorySink()
    log = writer(sink)
    log.write(Channel.HEADER, "first\n")

    log.pass_through(printed(b"osecond\n"))
    log.pass_through(printed(b"othird\n"))

    assert b"".join(sink.lines) == b"hfirst\nosecond\nothird\n"


@pytest.mark.looptime
async def test_a_failure_in_the_background_reaches_the_next_writer(looptime):
    sink = MemorySink()
    sink.failure = LogFailed("disk full")
    log = writer(sink)

    log.write(Channel.STDOUT, "a\n")
    await asyncio.sleep(1)

    with pytest.raises(LogFailed, match="disk full"):
        log.write(Channel.STDOUT, "b\n")
    with pytest.raises(LogFailed, match="disk full"):
        await log.flush()


async def test_a_log_that_fails_is_finished_all_the_same():
    sink = MemorySink()
    sink.failure = LogFailed("disk full")
    log = writer(sink)
    log.write(Channel.STDOUT, "a\n")

    with pytest.raises(LogFailed, match="disk full"):
        await log.end()

    assert sink.is_finished


async def test_text_without_channels_has_no_letters():
    sink = MemorySink()
    log = writer(sink, LogType.TEXT)

    log.write(Channel.STDOUT, "a\nb")
    await log.end()

    assert b"".join(sink.lines) == b"a\nb\n"


async def test_encoding_and_redaction_count_for_all_that_goes_through():
    sink, heard = MemorySink(), []
    redaction = Redaction()
    redaction.hide("hush", "*")
    log = writer(sink, encoding="latin-1", redaction=redaction)
    log.subscribe(lambda channel, text: heard.append(text))

    log.write(Channel.STDERR, b"h\xe4, hush\n")
    segment = log.cleaned(printed(b"oso hush\n"))
    log.pass_through(segment)
    log.tell(segment)

    assert b"".join(sink.lines) == "eh\xe4, *\noso *\n".encode()
    assert heard == ["h\xe4, *\n", "so *\n"]


async def test_a_segment_that_nobody_reads_is_not_decompressed():
    class Raw(MemorySink):
        def append(self, segment):
            self.lines.append(segment)
            return asyncio.get_running_loop().create_future()

    sink = Raw()
    log = writer(sink)
    damaged = ReadableSegment(Segment(data=b"not a frame", line_count=1, size=5))

    log.pass_through(log.cleaned(damaged))
    log.tell(damaged)

    assert sink.lines == [damaged.segment]


class Writes(BuildStep):
    async def run(self):
        log = await self.addLog("log")
        await log.addStdout("par")
        await log.addStdout("tial\n")
        await log.addStderr(b"b\xe4d")
        await log.addHeader("head")
        await log.finish()
        await self.addCompleteLog("text", "one\ntwo")
        await self.addHTMLLog("page", "<b>")
        return SUCCESS


async def test_a_step_writes_logs():
    workshop = StepWorkshop(Writes())

    await workshop.run()

    assert workshop.logs.text("log") == "opartial\neb\ufffdd\nhhead\n"
    assert workshop.logs.text("text") == "one\ntwo\n"
    assert workshop.logs.text("page") == "<b>\n"
    kinds = [(log.name, log.type.value) for log in workshop.logs.logs.values()]
    assert kinds == [("log", "s"), ("text", "t"), ("page", "h")]
    assert all(log.complete for log in workshop.logs.logs.values())


async def test_logs_that_a_step_leaves_open_are_finished():
    class Leaves(BuildStep):
        async def run(self):
            (await self.addLog("a")).addStdout("x")
            self.addLog("b")
            return SUCCESS

    workshop = StepWorkshop(Leaves())

    await workshop.run()

    assert workshop.logs.text("a") == "ox\n"
    assert all(log.complete for log in workshop.logs.logs.values())


async def test_the_text_of_a_log_can_be_read():
    class Reads(ShellCommand):
        async def run(self):
            result = await super().run()
            self.setProperty("text", await self.getLog("stdio").getText(), "test")
            return result

    session = ScriptedSession(lambda _: Script(stdout="out\n", stderr="err\n"))
    workshop = StepWorkshop(Reads(command="make"), session=session)

    await workshop.run()

    assert workshop.builds.properties[1]["text"] == ("out\nerr\n", "test")


async def test_a_finished_log_takes_no_more():
    class Late(BuildStep):
        async def run(self):
            log = await self.addLog("log")
            await log.finish()
            log.addStdout("more\n")

    workshop = StepWorkshop(Late())

    await workshop.run()

    assert "log 'log' is finished" in workshop.logs.text("err.text")


async def test_observers_of_every_kind_hear_the_output():
    heard = []

    def consumer():
        while True:
            heard.append((yield))

    class Lines(LogLineObserver):
        def outLineReceived(self, line):
            heard.append(("out", line))

        def errLineReceived(self, line):
            heard.append(("err", line))

        def headerLineReceived(self, line):
            heard.append(("header", line))

        def finishReceived(self):
            heard.append("finished")

    class Chunks(LogObserver):
        def outReceived(self, data):
            heard.append(data)

    class Observed(ShellCommand):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.buffer = BufferLogObserver(wantStderr=True)
            for observer in (Lines(), Chunks(), self.buffer, LineConsumerLogObserver(consumer)):
                self.addLogObserver("stdio", observer)
            self.addLogObserver("stdio", OutputProgressObserver("output"))

        async def run(self):
            result = await super().run()
            heard.append((self.buffer.getStdout(), self.buffer.getStderr()))
            return result

    session = ScriptedSession(lambda _: Script(stdout="1\n\n2\n", stderr="e\n"))
    workshop = StepWorkshop(Observed(command="make"), session=session)

    assert (await workshop.run()).state == "build successful"
    assert [one for one in heard if one[0] in ("out", "err", "header")] == [
        ("header", "shell"),
        ("out", "1"),
        ("out", ""),
        ("out", "2"),
        ("err", "e"),
    ]
    assert [one for one in heard if one[0] in ("o", "e", "h")] == [
        ("h", "shell"),
        ("o", "1"),
        ("o", ""),
        ("o", "2"),
        ("e", "e"),
    ]
    assert "1\n\n2\n" in heard
    assert ("1\n\n2\n", "e\n") in heard
    assert heard[-1] == "finished"


async def test_an_observer_that_raises_fails_the_step():
    class Raises(LogLineObserver):
        def outLineReceived(self, line):
            raise RuntimeError("cannot read this")

    class Observed(ShellCommand):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.addLogObserver("stdio", Raises())

    session = ScriptedSession(lambda _: Script(stdout="1\n"))
    workshop = StepWorkshop(Observed(command="make"), session=session)

    assert (await workshop.run()).state == 'RuntimeError in step "shell": cannot read this'
    assert "cannot read this" in workshop.logs.text("err.text")
    assert workshop.logs.text("stdio") == "hshell\no1\n"
    assert session.interrupts == ["its output failed"]


async def test_all_that_a_command_prints_is_kept_after_an_observer_has_failed():
    class Raises(LogLineObserver):
        lines = 0

        def outLineReceived(self, line):
            self.lines += 1
            raise RuntimeError("cannot read this")

    class Talks(ScriptedSession):
        async def run(self, command, receive):
            for number in range(3):
                receive(Output(log="stdio", segment=segment_of(b"o%d\n" % number)))
            receive(Value(key="rc", value=-1))

        async def interrupt(self, command, reason):
            self.interrupts.append(reason)

    class Observed(ShellCommand):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.addLogObserver("stdio", observer)

    observer, session = Raises(), Talks()
    workshop = StepWorkshop(Observed(command="make"), session=session)

    await workshop.run()

    assert workshop.logs.text("stdio") == "o0\no1\no2\n"
    assert observer.lines == 1
    assert session.interrupts == ["its output failed"]


async def test_a_log_that_cannot_be_written_ends_the_command():
    session = ScriptedSession(lambda _: Script(stdout="1\n", hangs=True))
    workshop = StepWorkshop(ShellCommand(command="make"), session=session)
    workshop.logs.failure = LogFailed("cannot append: disk full")

    build = await asyncio.wait_for(workshop.run(), PATIENCE)

    assert build.state == "exception: shell (cannot append: disk full)"
    assert session.interrupts == ["its output failed"]


async def test_text_waits_for_the_log_that_is_opened_for_it():
    class Delays(ShellCommand):
        async def run(self):
            command = await self.makeRemoteShellCommand()

            async def activate(command):
                await asyncio.sleep(0)
                log = await self.addLog("later")
                await log.addHeader("opened\n")
                return log

            command.useLogDelayed("trace", activate, True)
            await self.runCommand(command)
            return command.results()

    session = ScriptedSession(lambda _: Script(files={"trace": "1\n2\n", "other": "dropped\n"}))
    workshop = StepWorkshop(Delays(command="make"), session=session)

    assert (await workshop.run()).state == "build successful"
    assert workshop.logs.text("later") == "hopened\no1\no2\n"
    assert [log.name for log in workshop.logs.logs.values()] == ["stdio", "later"]


async def test_a_delayed_log_that_fails_fails_the_step():
    class Delays(ShellCommand):
        async def run(self):
            command = await self.makeRemoteShellCommand()
            command.useLogDelayed("trace", lambda command: 1 / 0, True)
            await self.runCommand(command)
            return command.results()

    session = ScriptedSession(lambda _: Script(files={"trace": "1\n"}))
    workshop = StepWorkshop(Delays(command="make"), session=session)

    assert (await workshop.run()).state == 'ZeroDivisionError in step "shell": division by zero'
    assert "ZeroDivisionError" in workshop.logs.text("err.text")


async def test_what_is_collected_and_observed_is_as_it_was_printed():
    class Collects(ShellCommand):
        async def run(self):
            command = await self.makeRemoteShellCommand(collectStdout=True, collectStderr=True)
            await self.runCommand(command)
            self.setProperty("both", [command.stdout, command.stderr], "test")
            return SUCCESS

    session = ScriptedSession(lambda _: Script(stdout="1\n\n", stderr="e\n"))
    workshop = StepWorkshop(Collects(command="make"), session=session)

    await workshop.run()

    assert workshop.builds.properties[1]["both"] == (["1\n\n", "e\n"], "test")


async def test_a_worker_is_told_which_secrets_to_hide_but_not_from_a_step_that_reads_output():
    class Tells(ShellCommand):
        async def run(self):
            self.getProperties().useSecret("hush", "key")
            for is_read in (False, True):
                command = await self.makeRemoteShellCommand(collectStdout=is_read)
                await self.runCommand(command)
            return SUCCESS

    session = ScriptedSession(lambda _: Script())
    workshop = StepWorkshop(Tells(command="make"), session=session)

    await workshop.run()

    told, not_told = (command.arguments for command in session.commands)
    assert ("hush", "<key>") in told["redactions"]
    assert "redactions" not in not_told


async def test_a_letter_of_a_channel_is_no_part_of_a_secret():
    sink = MemorySink()
    redaction = Redaction()
    redaction.hide("oops", "*")
    log = writer(sink, redaction=redaction)

    log.pass_through(log.cleaned(printed(b"oops\nooops\neops\n")))
    await log.end()

    assert b"".join(sink.lines) == b"oops\no*\neops\n"


async def test_a_secret_that_was_used_is_not_shown():
    class Tells(ShellCommand):
        async def run(self):
            self.getProperties().useSecret("hush", "key")
            await self.addCompleteLog("note", "say hush now")
            return await super().run()

    session = ScriptedSession(lambda _: Script(stdout="it is hush\n"))
    workshop = StepWorkshop(Tells(command="make"), session=session)

    await workshop.run()

    assert workshop.logs.text("note") == "say <key> now\n"
    assert workshop.logs.text("stdio") == "hshell\noit is <key>\n"


async def test_the_limits_of_the_configuration_count_for_each_log():
    session = ScriptedSession(lambda _: Script(stdout="x" * 50 + "\n" + "y" * 50 + "\nz\n"))
    workshop = StepWorkshop(
        ShellCommand(command="make"),
        session=session,
        logs=LogConfig(max_size=60, max_tail_size=10),
    )

    await workshop.run()

    assert workshop.logs.text("stdio") == (
        f"hshell\no{'x' * 50}\n"
        "hOutput exceeded 60 bytes, remaining output has been truncated\n"
        "hFinal 3 bytes follow below\noz\n"
    )


async def test_bytes_that_are_no_text_pass_as_they_are():
    class Binary(ScriptedSession):
        async def run(self, command, receive):
            receive(Output(log="stdio", segment=segment_of(b"o\xff\xfe\x00\r50%\r\n")))
            receive(Value(key="rc", value=0))

    workshop = StepWorkshop(ShellCommand(command="make"), session=Binary())

    await workshop.run()

    (segments,) = workshop.logs.segments.values()
    assert lines_of(segments[0]) == b"o\xff\xfe\x00\r50%\r\n"


@pytest.mark.parametrize(
    ("printed", "heard"),
    [
        ("1 %\r2 %\r100 %\n", ["1 %", "2 %", "100 %"]),
        ("of Windows\r\nof DOS\r\n", ["of Windows", "of DOS"]),
        ("a\n\rb\r\r\n", ["a", "", "b", ""]),
        ("\b\bx\n\x1b[2Jy\x1b[1;2Hz\x1b[uw\n", ["", "x", "", "y", "z", "w"]),
        ("\x1b[31mred\x1b[0m\n", ["\x1b[31mred\x1b[0m"]),
        ("open\r", ["open"]),
    ],
)
async def test_code_hears_the_lines_that_stock_workers_send(printed, heard):
    lines, texts = [], []

    class Hears(LogLineObserver):
        def outLineReceived(self, line):
            lines.append(line)

    class Observed(ShellCommand):
        async def run(self):
            self.addLogObserver("stdio", Hears())
            command = await self.makeRemoteShellCommand(collectStdout=True)
            await self.runCommand(command)
            texts.extend([command.stdout, await self.getLog("stdio").getText()])
            return SUCCESS

    session = ScriptedSession(lambda _: Script(stdout=printed))
    workshop = StepWorkshop(Observed(command="make"), session=session)

    await workshop.run()

    assert lines == heard
    assert [text.removesuffix("\n").split("\n") for text in texts] == [heard, heard]
    kept = workshop.logs.text("stdio")
    assert kept.count("\r") == printed.rstrip("\r").count("\r")
