"""A configuration file: executed as Python, with the modules beside it, and searched for lines."""

from __future__ import annotations

import importlib
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from buildbot._border.errors import EXCEPTION, Collector, is_incomplete
from buildbot._border.origin import Origin, is_users_file
from buildbot._host.reading import explanations
from buildbot._host.reading.calls import misused
from buildbot._host.reading.places import Places, places_in
from chargehand.config.errors import ConfigErrors
from chargehand.kit.regular_files import read_regular

_MODULE_NAME = "__master_cfg__"
_LIBRARY_DIRECTORIES = frozenset({"site-packages", "dist-packages"})
_OURS = Path(__file__).resolve().parents[3]


class _Configuration(ModuleType):
    """The module that a configuration runs as: dataclasses and pickles look their module up.

    It has no ``__file__``, though its code sees one: configurations reload the modules of their
    directory, and must not reload themselves.
    """

    @property
    def __file__(self) -> str:  # type: ignore[override] # to have none is the point
        raise AttributeError("__file__")


class Document:
    """A ``master.cfg``, and the modules that it imports from its own directory."""

    def __init__(self, path: Path, basedir: Path) -> None:
        self.path = path.absolute()
        self.directory = f"{self.path.parent}/"
        self._basedir = basedir.absolute()
        self._known_before = frozenset(sys.modules)
        self._files: dict[str, Places] = {}
        self._replaced: dict[str, ModuleType] = {}
        self._given_up: list[dict[str, Any]] = []
        self._config: dict[str, Any] = {}

    def execute(self, collector: Collector) -> dict[str, Any] | None:
        """Return ``BuildmasterConfig``; None, with the errors in *collector*, when there is none.

        Modules in the file's directory are imported again; if anything fails, the old ones stay.
        """
        self._files.clear()
        code = self._compiled(collector)
        if code is None:
            return None
        self._extend_path()
        self._replaced = self._drop_modules()
        found = self._run(code, collector)
        self._config = {} if found is None else found  # what was found before is in use
        if found is None:
            self.take_back()
        return found

    def take_back(self) -> None:
        """Forget the last execution: the modules that were there before stay in use."""
        self._given_up.extend(map(vars, self._drop_modules().values()))
        # Functions refer to their module and it to them. Without this knot in it, almost all of
        # what was read is freed at once.
        self._config.clear()
        sys.modules.update(self._replaced)

    def keep(self) -> list[dict[str, Any]]:
        """Return the namespaces of the last execution; those of earlier ones are forgotten."""
        self._replaced = {}
        own = (module for _, module in self._own_modules())
        return [vars(module) for module in (*own, sys.modules[_MODULE_NAME])]

    def given_up(self) -> list[dict[str, Any]]:
        """Return, once, the namespaces of executions that were taken back."""
        given_up, self._given_up = self._given_up, []
        return given_up

    def modules(self) -> tuple[str, ...]:
        """Return the files that were imported from the directory, sorted."""
        return tuple(sorted({str(module.__file__) for _, module in self._own_modules()}))

    def key_origin(self, *keys: str) -> Origin:
        """Return the line where the first of these keys that is set is, or the file's first."""
        for key in keys:
            if found := self._key_line(key) or self.text_origin(key):
                return found
        return Origin(str(self.path), 1)

    def _key_line(self, key: str) -> Origin | None:
        line = self._places(str(self.path)).keys.get(key)
        return None if line is None else Origin(str(self.path), line)

    def text_origin(self, *texts: str) -> Origin | None:
        """Return the first line of the user's files that has one of these as a string."""
        files = (str(self.path), *self.modules())
        for text in texts:
            for file in files:
                line = self._places(file).texts.get(text)
                if line is not None:
                    return Origin(file, line)
        return None

    def _places(self, file: str) -> Places:
        found = self._files.get(file)
        if found is None:
            found = self._files[file] = places_in(Path(file))
        return found

    def _compiled(self, collector: Collector) -> Any:
        try:
            return compile(read_regular(self.path), str(self.path), "exec", dont_inherit=True)
        except FileNotFoundError:
            target = f", a link to {self.path.readlink()}," if self.path.is_symlink() else ""
            collector.add(f'configuration file "{self.path}"{target} does not exist')
        except OSError as error:
            collector.add(f'cannot read configuration file "{self.path}": {error.strerror}')
        except SyntaxError as error:
            collector.add(*_syntax_error(error, str(self.path)))
        except ValueError as error:  # null bytes
            collector.add(f"the file is not valid Python: {error}", Origin(str(self.path), 1))
        return None

    def _run(self, code: Any, collector: Collector) -> dict[str, Any] | None:
        module = _Configuration(_MODULE_NAME)
        module.__dict__.update(__file__=str(self.path), basedir=str(self._basedir))
        sys.modules[_MODULE_NAME] = module
        try:
            exec(code, module.__dict__)  # a configuration is a program
        except ConfigErrors as errors:
            self.merge(errors, collector)
            return None
        except SyntaxError as error:  # of an imported module
            collector.add(*_syntax_error(error, str(self.path)))
            return None
        except KeyboardInterrupt as error:
            if threading.current_thread() is threading.main_thread():
                raise  # Ctrl-C during a check
            collector.add(*self.described(error))
            return None
        except BaseException as error:  # noqa: BLE001 - users' code may raise anything
            if not (isinstance(error, AttributeError) and is_incomplete(error.obj)):
                collector.add(*self.described(error))
            return None
        config = module.__dict__.get("BuildmasterConfig")
        if config is None:
            collector.add(
                "the file does not define BuildmasterConfig; "
                "add a line like 'c = BuildmasterConfig = {}'",
                Origin(str(self.path), 1),
            )
        elif not isinstance(config, dict):
            collector.add(
                f"BuildmasterConfig must be a dictionary, not {type(config).__name__}",
                self.text_origin("BuildmasterConfig") or Origin(str(self.path), 1),
            )
        else:
            return config
        return None

    def merge(self, errors: ConfigErrors, collector: Collector) -> None:
        """Collect errors that users' code raised."""
        for error in errors.errors:
            if isinstance(error, str):  # users raise ConfigErrors(["..."]), too
                collector.add(error, self._innermost(errors))
            else:
                collector.merge(ConfigErrors([error]))

    def described(
        self,
        error: BaseException,
        what: str = EXCEPTION,
        otherwise: Origin | None = None,
    ) -> tuple[str, Origin]:
        """Return the message for an exception of users' code, and their line that raised it:
        *otherwise*, or the file's first, where none of their lines did."""
        origin = self._innermost(error) or otherwise or Origin(str(self.path), 1)
        if (sentence := misused(error)) is not None:
            return sentence, origin
        if sentence := explanations.of_exception(error, origin.file, self.directory):
            return sentence, origin
        summary = "".join(traceback.format_exception_only(error)).strip()
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if self._is_users(frame.filename)
        ]
        if frames:
            summary += explanations.unset_variables(frames[-1].line or "")
        trace = "".join(
            f"\n    {frame.filename}:{frame.lineno}, in {frame.name}: {frame.line}"
            for frame in frames
        )
        return f"{what}: {summary}{trace}", origin

    def _innermost(self, error: BaseException) -> Origin | None:
        """Return the innermost line of the user's, wherever its file is."""
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if self._is_users(frame.filename) and frame.lineno is not None:
                return Origin(frame.filename, frame.lineno)
        return None

    def _is_users(self, file: str) -> bool:
        if not _LIBRARY_DIRECTORIES.isdisjoint(Path(file).parts):
            return False
        return file.startswith(self.directory) or is_users_file(file)

    def _extend_path(self) -> None:
        for directory in {str(self._basedir): None, str(self.path.parent): None}:
            if directory in sys.path:
                sys.path.remove(directory)
            sys.path.insert(0, directory)
        importlib.invalidate_caches()

    def _drop_modules(self) -> dict[str, ModuleType]:
        dropped = dict(self._own_modules())
        if _MODULE_NAME in sys.modules:
            dropped[_MODULE_NAME] = sys.modules[_MODULE_NAME]
        for name, module in dropped.items():
            del sys.modules[name]
            _forget_stale_bytecode(module)
        return dropped

    def _own_modules(self) -> Iterator[tuple[str, ModuleType]]:
        for name, module in sys.modules.copy().items():
            if name in self._known_before or name == _MODULE_NAME:
                continue
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and self._is_own(file):
                yield name, module

    def _is_own(self, file: str) -> bool:
        if not file.startswith(self.directory) or not file.endswith(".py"):
            return False
        path = Path(file)
        return _LIBRARY_DIRECTORIES.isdisjoint(path.parts) and not path.is_relative_to(_OURS)


def _syntax_error(error: SyntaxError, file: str) -> tuple[str, Origin]:
    origin = Origin(error.filename or file, error.lineno or 1)
    if (sentence := explanations.of_syntax_error(error, origin.file)) is not None:
        return sentence, origin
    shown = ""
    if error.text:
        text = error.text.rstrip("\n")
        shown = f"\n    {text.lstrip()}"
        if error.offset:
            indent = len(text) - len(text.lstrip())
            shown += f"\n    {' ' * max(error.offset - 1 - indent, 0)}^"
    return f"syntax error: {error.msg}{shown}", origin


def _forget_stale_bytecode(module: ModuleType) -> None:
    """Remove cached bytecode that a change within the same second would leave looking current."""
    cached = getattr(module, "__cached__", None)
    if not cached or not module.__file__:
        return  # the configuration itself has none
    try:
        if int(Path(module.__file__).stat().st_mtime) >= int(Path(cached).stat().st_mtime) - 1:
            Path(cached).unlink()
    except OSError:
        pass  # gone, or not ours to remove: then it is no worse than Python itself
