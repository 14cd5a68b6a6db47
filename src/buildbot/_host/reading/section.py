"""The dictionary that a configuration file made, read key by key with complaints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from buildbot._border.errors import Collector
from buildbot._border.numbers import Range
from buildbot._border.origin import Origin
from buildbot._host.reading.document import Document
from chargehand.config.errors import ConfigErrors
from chargehand.kit.error_text import raised_by

_NOTHING: dict[str, str] = {}
_LISTS_IN_PYTHON_2 = (type(_NOTHING.values()), type(_NOTHING.keys()), map, filter, zip)


class Section:
    """Values under ``c[...]``, or under a part of it like ``c['www']``.

    Each reading method returns the default when the key is not there or its value is of the wrong
    kind; in the latter case it has complained.
    """

    def __init__(
        self,
        values: dict[str, Any],
        *,
        document: Document,
        collector: Collector,
        prefix: str = "c",
        parents: tuple[str, ...] = (),
    ) -> None:
        self.values = values
        self._document = document
        self._collector = collector
        self._prefix = prefix
        self._parents = parents
        self._broken: set[str] = set()
        self._written: dict[str, str] = {}
        """How the file calls keys that are read under another name."""

    @property
    def file(self) -> str:
        """The configuration file, which is also the source of the master's properties."""
        return str(self._document.path)

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value as it is."""
        return self.values.get(key, default)

    def part(self, key: str) -> Section | None:
        """Return a dictionary below *key* to be read the same way; None if there is none."""
        value = self.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.wrong(key, "a dictionary")
            return None
        return Section(
            value,
            document=self._document,
            collector=self._collector,
            prefix=self.shown(key),
            parents=(key, *self._parents),
        )

    def read_as(self, written: str, key: str, value: Any) -> None:
        """Take *value* for that of *key*; its place in the file is where *written* is set.

        Where *key* is set as well, it counts.
        """
        if key not in self.values:
            self.values[key] = value
            self._written[key] = written

    def text(self, key: str, default: str) -> str:
        """Return a string."""
        value = self.get(key, default)
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if not isinstance(value, str):
            self.wrong(key, "a string")
            return default
        return value

    def number(self, key: str, default: int | None) -> int | None:
        """Return a whole number (None is one where the default is None)."""
        value = self.get(key, default)
        if value is None and default is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong(key, "an integer")
            return default
        return value

    def number_in(self, key: str, wanted: Range) -> None:
        """Report a number that is not one of these; None is as good as no number."""
        value = self.get(key)
        if value is not None and not wanted.has(value):
            self.wrong(key, wanted.words)

    def listing(self, key: str, what: str) -> list[Any]:
        """Return a list."""
        value = self.get(key)
        if value is None:
            return []
        if isinstance(value, _LISTS_IN_PYTHON_2):
            self.warn(
                f"{self.shown(key)} must be a list in Python 3: write list(...) around it", key
            )
            value = self.values[key] = list(value)  # What is read once only is kept.
        if not isinstance(value, list | tuple):
            self.wrong(key, f"a list of {what}")
            return []
        return list(value)

    def function(self, key: str) -> Any:
        """Return a callable, or None."""
        value = self.get(key)
        if value is not None and not callable(value):
            self.wrong(key, "a function")
            return None
        return value

    def shown(self, key: str) -> str:
        """Return the key as the user writes it."""
        return f"{self._prefix}['{key}']"

    def wrong(self, key: str, wanted: str) -> None:
        """Report that the value of *key* is of the wrong type."""
        value = self.get(key)
        self.error(f"{self.shown(key)} must be {wanted}, not {_described(value)}", key)

    def error(self, message: str, key: str, *names: str) -> None:
        """Report an error at the line of one of *names* (strings in the file), or else of *key*."""
        self._broken.add(key)
        self._collector.add(message, self._origin(key, names))

    def failed(self, what: str, failure: Exception, key: str) -> None:
        """Report an exception of users' code at their line that raised it, or else of *key*."""
        self._broken.add(key)
        if isinstance(failure, ConfigErrors):
            self._document.merge(failure, self._collector)
            return
        raised = raised_by(failure)
        self._collector.add(*self._document.described(raised, what, self._origin(key, ())))

    @contextmanager
    def reading(self, key: str, *names: str) -> Iterator[None]:
        """Let what is found wrong meanwhile belong to the line of one of *names*, or of *key*."""
        count = len(self._collector.errors)
        before = self._collector.place
        # Looking for the line means reading all files of the configuration.
        self._collector.place = lambda: self._origin(key, names)
        try:
            yield
        finally:
            self._collector.place = before
            if len(self._collector.errors) > count:
                self._broken.add(key)

    def is_broken(self, *keys: str) -> bool:
        """Return whether something is wrong with one of these keys; what others miss in it may only
        follow from that."""
        return not self._broken.isdisjoint(keys)

    def warn(self, message: str, key: str, *names: str) -> None:
        """Report a warning the same way."""
        self._collector.warn(message, self._origin(key, names))

    def _origin(self, key: str, names: tuple[str, ...]) -> Origin:
        found = self._document.text_origin(*names) if names else None
        return found or self._document.key_origin(self._written.get(key, key), *self._parents)


def _described(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else type(value).__name__
