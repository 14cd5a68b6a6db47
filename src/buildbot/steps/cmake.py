"""Running CMake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from buildbot._border.bridge import outgoing
from buildbot._border.errors import error
from buildbot._border.rendering import is_constant
from buildbot.process.buildstep import BuildStep
from buildbot.process.shell_mixin import ShellMixin


class CMake(ShellMixin, BuildStep):
    """Run ``cmake`` with a generator, definitions (``-D``), options, and a path.

    *path* is a directory of sources or an existing build directory. Subclasses may set
    ``DEFAULT_CMAKE``, the program.

    Args:
        path (str | None, renderable): Directory with CMakeLists.txt, or an existing build
            directory, relative to the working directory; None leaves it out.
        generator (str | None, renderable): Build system to generate for (`-G`), such as Ninja.
        definitions (dict[str, Any] | None, renderable): Variables to set (`-D`).
        options (list[str] | None, renderable): Arguments between the definitions and the path.
        cmake (str | None, renderable): The program; by default the class attribute DEFAULT_CMAKE.
    """

    DEFAULT_CMAKE: Any = "cmake"

    name = "cmake"
    description: Any = ["running", "cmake"]
    descriptionDone: Any = ["ran", "cmake"]
    haltOnFailure = True
    flunkOnFailure = True
    renderables: ClassVar[Any] = ["cmake", "definitions", "generator", "options", "path"]

    def __init__(
        self,
        path: Any = None,
        generator: Any = None,
        definitions: Any = None,
        options: Any = None,
        cmake: Any = None,
        **kwargs: Any,
    ) -> None:
        kind = type(self).__name__
        if not _is_one_of(definitions, Mapping):
            error(f"{kind}: definitions must be a dictionary, not {definitions!r}")
        if not _is_one_of(options, (list, tuple)):
            error(f"{kind}: options must be a list or a tuple, not {options!r}")
        self.path = path
        self.generator = generator
        self.definitions = definitions
        self.options = options
        self.cmake = self.DEFAULT_CMAKE if cmake is None else cmake
        kwargs = self.setupShellMixin(kwargs, prohibitArgs=["command"])
        super().__init__(**kwargs)

    @outgoing
    async def run(self) -> int:
        """Run it; its exit code says the result."""
        command = await self.makeRemoteShellCommand(command=self._words())
        await self._set_up(command)
        await self.runCommand(command)
        return await self._result_of(command)

    def _words(self) -> list[Any]:
        words: list[Any] = [self.cmake]
        if self.generator:
            words += ["-G", self.generator]
        for name, value in (self.definitions or {}).items():
            words.append(f"-D{name}={value}")
        words += self.options or ()
        if self.path:
            words.append(self.path)
        return words


def _is_one_of(value: Any, kinds: Any) -> bool:
    return value is None or isinstance(value, kinds) or not is_constant(value)
