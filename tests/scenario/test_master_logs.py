"""Logs as they are read over REST: contents, lines from the middle, raw; whatever was written."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from installed_master import FAILURE, SUCCESS, InstalledMaster, Refused
from waiting import eventually

_LONG = 10 * 1024 * 1024

_CONFIGURATION = """
    PYTHON = __import__('sys').executable

    def python(text, **more):
        return steps.ShellCommand(command=[PYTHON, '-c', text], name='one', logEnviron=False,
                                  **more)

    add('channels', sh('echo out; echo err >&2; echo out again; exit 3', name='one',
                       logEnviron=False))
    add('environment', sh('true', name='one', env={'SHOWN': 'yes'}))
    add('binary', python('import sys; sys.stdout.buffer.write(bytes(range(256)) * 4)'))
    WRITE = 'import sys; sys.stdout.buffer.write('
    add('latin', python(WRITE + 'b"gr\\\\xfc\\\\xdfe\\\\n")'))
    add('utf8', python(WRITE + '"gr\\\\u00fc\\\\u00dfe \\\\U0001f600\\\\n".encode())'))
    add('split', sh('for byte in 303 274 360 237 230 200 012; do '
                    '    printf "\\\\\\\\$byte"; sleep 0.02; done', name='one', logEnviron=False))
    add('long', python(WRITE + 'b"x" * 10485760 + b"\\\\nshort\\\\n" + b"y" * 10485760)'))
    add('progress', python('import sys\\nfor n in range(5): sys.stdout.write(f"\\\\r{n} %")\\n'
                           'sys.stdout.write("\\\\n\\\\x1b[31mred\\\\x1b[0m\\\\n")'))
    add('unended', sh('printf unended', name='one', logEnviron=False))
    add('nothing', sh('true', name='one', logEnviron=False))
    add('nul', sh("printf 'a\\\\000b\\\\n'", name='one', logEnviron=False))
    add('many', sh('seq 1 200000', name='one', logEnviron=False))
    add('both at once', sh('seq 1 2000 & seq 1 2000 >&2; wait', name='one', logEnviron=False))
    add('live', sh(f'echo first; while [ ! -e {HERE}/live.go ]; do sleep 0.05; done; echo last',
                   name='one', logEnviron=False))
    add('watched', sh('for n in 1 2 3; do echo line $n >> test.log; sleep 0.1; done', name='one',
                      logfiles={'test.log': 'test.log'}, lazylogfiles=True))
    add('carriage', sh("printf 'a\\\\r\\\\nb\\\\r\\\\n'", name='one', logEnviron=False))
    """


def _started(path: Any, text: str) -> InstalledMaster:
    master = InstalledMaster(path / "master")
    master.write(textwrap.dedent(text))
    master.start()
    return master


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """One master for the tests of this module."""
    master = _started(tmp_path_factory.mktemp("logs"), _CONFIGURATION)
    yield master
    master.end()


def _body(master: InstalledMaster, build: dict[str, Any]) -> bytes:
    """Return what the command wrote, as it is downloaded."""
    raw = master.raw(build, "one")
    return raw.partition(b" using PTY: False\n")[2].rpartition(b"program finished with")[0]


def test_a_log_has_buildbots_header_and_channels(shared: InstalledMaster):
    build = shared.build("channels")

    lines = shared.lines(build, "one")
    assert lines[0] == "hsh -c 'echo out; echo err >&2; echo out again; exit 3'"
    assert lines[1].startswith("h in dir ")
    assert lines[1].endswith("/workers/local/channels/build (timeout 1200 secs)")
    assert "h watching logfiles {}" in lines
    assert "h using PTY: False" in lines
    assert "hprogram finished with exit code 3" in lines
    assert lines[-1].startswith("helapsedTime=")
    assert [line for line in lines if line[0] == "o"] == ["oout", "oout again"]
    assert [line for line in lines if line[0] == "e"] == ["eerr"]
    assert not any("environment" in line for line in lines)
    log = shared.logs(build, "one")["stdio"]
    assert (log["type"], log["complete"], log["num_lines"]) == ("s", True, len(lines))


def test_the_environment_is_shown(shared: InstalledMaster):
    lines = shared.lines(shared.build("environment"), "one")

    assert "h environment:" in lines
    assert "h  SHOWN=yes" in lines


def test_binary_output_does_no_harm(shared: InstalledMaster):
    build = shared.build("binary")

    assert build["results"] == SUCCESS
    log = shared.logs(build, "one")["stdio"]
    lines = shared.lines(build, "one")
    assert log["num_lines"] == len(lines)
    text = "".join(line[1:] for line in lines if line[0] == "o")
    assert "ABCDEFGHIJKLMNOPQRSTUVWXYZ" in text
    assert "\N{REPLACEMENT CHARACTER}" in text
    assert b"ABCDEFGHIJKLMNOPQRSTUVWXYZ" in _body(shared, build)


@pytest.mark.parametrize(
    ("builder", "line"),
    [
        ("latin", "gr\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}e"),
        ("utf8", "grüße \N{GRINNING FACE}"),
        ("split", "ü\N{GRINNING FACE}"),
        ("unended", "unended"),
        ("nul", "a\0b"),
    ],
)
def test_any_encoding_is_shown(shared: InstalledMaster, builder: str, line: str):
    build = shared.build(builder)

    assert shared.output(build, "one") == [line]


def test_lines_of_10_mb_are_kept(shared: InstalledMaster):
    build = shared.build("long")

    lines = shared.output(build, "one")
    assert "".join(lines) == "x" * _LONG + "short" + "y" * _LONG
    assert max(map(len, lines)) == 1024 * 1024, "longer lines are split"
    assert _body(shared, build) == "".join(f"{line}\n" for line in lines).encode()


def test_progress_bars_and_colours_are_kept(shared: InstalledMaster):
    build = shared.build("progress")

    assert "\x1b[31mred\x1b[0m" in "\n".join(shared.output(build, "one"))
    text = _body(shared, build).decode()
    assert "4 %" in text
    assert "\r" in text


def test_a_command_that_says_nothing_has_a_log(shared: InstalledMaster):
    build = shared.build("nothing")

    assert _body(shared, build) == b""
    assert shared.output(build, "one") == []


def test_windows_line_ends(shared: InstalledMaster):
    build = shared.build("carriage")

    assert [line.rstrip("\r") for line in shared.output(build, "one")] == ["a", "b"]


def test_lines_from_the_middle(shared: InstalledMaster):
    build = shared.build("many")

    log = shared.logs(build, "one")["stdio"]
    (head,) = [n for n, line in enumerate(shared.lines(build, "one")) if line == "o1"]
    path = f"logs/{log['logid']}/contents?offset={head + 100_000}&limit=3"
    chunk = shared.one(path)
    assert chunk == {
        "logid": log["logid"],
        "firstline": head + 100_000,
        "content": "o100001\no100002\no100003\n",
    }
    with pytest.raises(Refused, match="fewer lines"):
        shared.one(f"logs/{log['logid']}/contents?offset=999999&limit=3")
    assert _body(shared, build) == b"".join(b"%d\n" % n for n in range(1, 200_001))
    inline = shared.fetch(f"api/v2/logs/{log['logid']}/raw_inline")
    assert inline.endswith(shared.raw(build, "one")[-200:])


def test_channels_written_at_once_lose_no_line(shared: InstalledMaster):
    build = shared.build("both at once")

    lines = shared.lines(build, "one")
    expected = [str(n) for n in range(1, 2001)]
    assert [line[1:] for line in lines if line[0] == "o"] == expected
    assert [line[1:] for line in lines if line[0] == "e"] == expected


def test_a_log_can_be_read_while_it_is_written(shared: InstalledMaster):
    request_id = shared.force("live")
    build = shared.running_build(request_id)

    eventually("the first line", lambda: shared.get(f"builds/{build['buildid']}/steps/one/logs"))
    eventually("the first line", lambda: shared.output(build, "one") == ["first"])
    assert not shared.logs(build, "one")["stdio"]["complete"]
    shared.let_go("live")
    shared.completed(request_id)

    assert shared.output(build, "one") == ["first", "last"]
    assert shared.logs(build, "one")["stdio"]["complete"]


def test_files_are_watched(shared: InstalledMaster):
    build = shared.build("watched")

    logs = shared.logs(build, "one")
    assert set(logs) == {"stdio", "test_log"}
    assert logs["test_log"]["name"] == "test.log"
    assert [line[1:] for line in shared.lines(build, "one", "test_log")] == [
        "line 1",
        "line 2",
        "line 3",
    ]


def test_limits_keep_head_and_tail(master: InstalledMaster):
    master.write("""
        c['logMaxSize'] = 5000
        c['logMaxTailSize'] = 500
        add('many', sh('seq 1 100000; exit 1', name='one', logEnviron=False))
        """)
    master.start()

    build = master.build("many")

    assert build["results"] == FAILURE
    numbers = [int(line) for line in master.output(build, "one") if line.isdigit()]
    assert numbers[:3] == [1, 2, 3]
    assert numbers[-1] == 100_000
    assert len(numbers) < 1500
    text = master.raw(build, "one").decode()
    assert len(text) < 8000
    assert "program finished with exit code 1" in text
    assert master.logs(build, "one")["stdio"]["num_lines"] == len(master.lines(build, "one"))


def test_another_encoding_can_be_configured(master: InstalledMaster):
    master.write(r"""
        c['logEncoding'] = 'latin-1'
        add('latin', sh(r"printf 'gr\374\337e\n'", name='one', logEnviron=False))
        add('own', sh(r"printf '\200\n'", name='one', logEncoding='cp1252', logEnviron=False))
        """)
    master.start()

    assert master.output(master.build("latin"), "one") == ["grüße"]
    assert master.output(master.build("own"), "one") == ["€"]
