"""The messages of the native protocol, between a master and its worker."""

from typing import Optional, Union

from chargehand_wire.codec import Struct

PROTOCOL_VERSION = 3


class Message(Struct, frozen=True, array_like=True):
    """A message; a small number identifies its kind."""


class Origin(Struct, frozen=True, array_like=True):
    """The step that a command belongs to, so that a master started again knows it."""

    build_id: int
    step_id: int


class Kept(Struct, frozen=True, array_like=True):
    """A command that the worker still has, as its master ordered it."""

    command_id: str
    acknowledged: int = 0
    """The update up to which the master was known to have all."""
    heard: int = 0
    """The input up to which the worker has all."""
    origin: Optional[Origin] = None
    routes: dict[str, str] = {}


class Hello(Message, frozen=True, tag=1):
    """Worker to master, first of all: who it is, and which commands it still has."""

    protocol: int
    name: str
    incarnation: str
    """Differs for each start of the supervisor: commands of another incarnation are lost."""
    info: dict[str, object]
    commands: tuple[Kept, ...] = ()


class Welcome(Message, frozen=True, tag=2):
    """Master to worker: which updates it has safely, per command; commands not named are to end."""

    protocol: int
    positions: dict[str, int]


class StartCommand(Message, frozen=True, tag=3):
    """Master to worker: run this. The same identifier twice is one command."""

    command_id: str
    name: str
    arguments: dict[str, object]
    builddir: str = ""
    """Where relative paths in the arguments start from, below the worker's base."""
    origin: Optional[Origin] = None
    routes: dict[str, str] = {}
    """The step's logs that take the command's streams."""


class Interrupt(Message, frozen=True, tag=4):
    """Master to worker: kill the command; it ends with Complete as always."""

    command_id: str
    why: str


class Segment(Message, frozen=True, tag=5):
    """Worker to master: whole lines of one of the command's logs, one zstd frame."""

    command_id: str
    number: int
    log: str
    data: bytes
    line_count: int
    size: int


class Value(Message, frozen=True, tag=6):
    """Worker to master: a value that is not output (``rc``, ``elapsed``, ``stat`` …)."""

    command_id: str
    number: int
    key: str
    value: object


class Complete(Message, frozen=True, tag=7):
    """Worker to master, last of a command; ``error`` says why it could not be run at all."""

    command_id: str
    number: int
    error: Optional[str] = None


class Ack(Message, frozen=True, tag=8):
    """Master to worker: every update of the command up to this number is safe."""

    command_id: str
    number: int


class Prepare(Message, frozen=True, tag=9):
    """Master to worker: make these directories, relative to the worker's base."""

    number: int
    directories: tuple[str, ...]


class Prepared(Message, frozen=True, tag=10):
    """Worker to master: they are there, or why not."""

    number: int
    error: Optional[str] = None


class Ping(Message, frozen=True, tag=11):
    """Either way: are you there?"""

    number: int


class Pong(Message, frozen=True, tag=12):
    """The answer to Ping."""

    number: int


class Shutdown(Message, frozen=True, tag=13):
    """Master to worker: kill what runs, and exit."""


class Input(Message, frozen=True, tag=14):
    """Master to worker: what the command reads, in order (a file for the worker, say)."""

    command_id: str
    number: int
    data: bytes
    is_last: bool = False


class InputAck(Message, frozen=True, tag=15):
    """Worker to master: all input of the command up to this number is used up."""

    command_id: str
    number: int


class StopRequest(Message, frozen=True, tag=16):
    """Worker to master: it wants to be shut down when its builds have ended."""


class Directories(Message, frozen=True, tag=17):
    """Master to worker: the directories of all its builders, below the worker's base."""

    directories: tuple[str, ...]


class Goodbye(Message, frozen=True, tag=18):
    """Worker to master: it is being stopped, and its commands end; nobody need wait for it."""


Update = Union[Segment, Value, Complete]
"""What is numbered, kept until acknowledged, and sent again after a reconnect; so is Input."""

FromWorker = Union[
    Hello, Segment, Value, Complete, InputAck, Prepared, Ping, Pong, StopRequest, Goodbye
]
FromMaster = Union[
    Welcome, StartCommand, Interrupt, Ack, Input, Prepare, Ping, Pong, Shutdown, Directories
]
