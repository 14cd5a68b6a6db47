"""The guard: the agent's parent, which only cleans up after an agent that was killed."""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from collections.abc import Sequence

from chargehand_worker import kernel

_LOOK_EVERY = 0.5
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
_HEALTHY_AFTER = 60.0


def split_off_agent(patience: float) -> None:
    """Return in a new process, the agent; the old one stays behind as its guard and never returns.

    Call it before importing much, so that the guard stays small. Whatever the agent
    leaves behind becomes the guard's child, as that is the next subreaper above.

    An agent that somebody has stopped cannot count the seconds that it continues without a master:
    then the guard does so.
    """
    master = os.getppid()
    kernel.become_subreaper()
    agent = os.fork()
    if agent == 0:
        return
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: _end(agent))
    status = _wait_for(agent, master, patience)
    _kill_what_is_left()
    os._exit(min(abs(os.waitstatus_to_exitcode(status)), 255))


class _Agents:
    """The agents of one guard, one after the other."""

    def __init__(self) -> None:
        self.agent = 0
        self.is_ending = False

    def end(self, number: int, _: object) -> None:
        """End the agent, and start no other."""
        self.is_ending = True
        if self.agent:
            _end(self.agent)

    def pass_on(self, number: int, _: object) -> None:
        """Let the agent have a signal."""
        if self.agent:
            kernel.kill(self.agent, number)


def split_off_agents(final: Sequence[int]) -> None:
    """Return in a new process, the agent, and in another one whenever an agent has ended.

    The old process stays behind as their guard, and never returns: it ends with the exit code of
    an agent that was told to end, or ended with one of the *final* codes.
    """
    kernel.become_subreaper()
    agents = _Agents()
    pause = _FIRST_PAUSE
    while True:
        began = time.monotonic()
        agents.agent = agent = os.fork()
        if agent == 0:
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, agents.end)
        signal.signal(signal.SIGHUP, agents.pass_on)
        code = os.waitstatus_to_exitcode(_wait_for(agent, os.getppid(), math.inf))
        agents.agent = 0
        _kill_what_is_left()
        if agents.is_ending or code in final:
            os._exit(min(abs(code), 255))
        pause = _FIRST_PAUSE if time.monotonic() - began > _HEALTHY_AFTER else pause * 2
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        print(f"{now} the agent ended (exit code {code}); starting another", file=sys.stderr)
        sys.stderr.flush()
        _sleep(min(pause, _LONGEST_PAUSE), agents)
        if agents.is_ending:
            os._exit(0)


def _sleep(seconds: float, agents: _Agents) -> None:
    """Sleep, but not on when the guard is told to end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not agents.is_ending:
        time.sleep(_LOOK_EVERY)


def _end(agent: int) -> None:
    kernel.kill(agent, signal.SIGTERM)
    kernel.kill(agent, signal.SIGCONT)  # It may have been stopped.


def _wait_for(agent: int, master: int, patience: float) -> int:
    while True:
        process_id, status = os.waitpid(-1, os.WUNTRACED)
        if process_id != agent:
            continue
        if not os.WIFSTOPPED(status):
            return status
        _watch_stopped(agent, master, patience)


def _watch_stopped(agent: int, master: int, patience: float) -> None:
    """Return when the agent goes on or has ended; kill it when no master was there for too long."""
    alone_since: float | None = None
    while _is_stopped(agent):
        if os.getppid() == master:
            alone_since = None
        elif alone_since is None:
            alone_since = time.monotonic()
        elif time.monotonic() - alone_since >= patience:
            kernel.kill(agent)
            return
        time.sleep(_LOOK_EVERY)


def _is_stopped(process_id: int) -> bool:
    try:
        with open(f"/proc/{process_id}/stat", "rb") as file:  # noqa: PTH123 - the guard stays small
            return file.read().rpartition(b")")[2].split()[:1] == [b"T"]
    except OSError:
        return False


def _kill_what_is_left() -> None:
    """Kill children until there is none: those of a killed one become ours, and are next."""
    while True:
        children = kernel.children()
        if children is None:
            me = os.getpid()
            children = [process.id for process in kernel.processes() if process.parent == me]
        for child in children:
            kernel.kill(child)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
