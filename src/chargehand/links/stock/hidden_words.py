"""Words of a command line that its header is not to show."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from chargehand.kit.odd_text import bytes_of
from chargehand.kit.redaction import Redaction


class HiddenWords:
    """Takes words out of what a worker says of a command.

    The command line as a whole is known, in the forms in which workers write it, so that a word of
    a single letter is hidden there. Elsewhere words are looked for as all secrets are: short ones
    are left, because they are parts of others.
    """

    def __init__(self, real: Sequence[str], shown: Sequence[str]) -> None:
        self._forms = {
            form: instead
            for form, instead in zip(_written(real), _written(shown), strict=True)
            if form != instead
        }
        self._elsewhere = Redaction()
        for word, instead in zip(real, shown, strict=True):
            if word != instead:
                self._elsewhere.hide(word, instead)

    def without(self, text: str) -> str:
        """Return a text without these words."""
        for form, instead in self._forms.items():
            text = text.replace(form, instead)
        return self._elsewhere.secrets_only(text)


def hidden_in(arguments: Mapping[str, Any]) -> HiddenWords | None:
    """Return what is not to be shown of a command line; None if all of it may be."""
    command = arguments.get("command")
    if not isinstance(command, list) or not any(isinstance(one, tuple) for one in command):
        return None
    real = [one[1] if isinstance(one, tuple) else one for one in command]
    return HiddenWords(real, [one[2] if isinstance(one, tuple) else one for one in command])


def _written(words: Sequence[str]) -> list[str]:
    """Return the command line as workers write it: with Python 3, with Python 2, and for people."""
    encoded = [bytes_of(word) for word in words]
    return [repr(encoded), repr([*words]), shlex.join(words), " ".join(words)]
