"""Results of steps, builds and buildsets, with Buildbot's numbers."""

from enum import IntEnum


class Result(IntEnum):
    """The outcome of a step, build or buildset; the numbers are part of the REST API."""

    SUCCESS = 0
    WARNINGS = 1
    FAILURE = 2
    SKIPPED = 3
    EXCEPTION = 4
    RETRY = 5
    CANCELLED = 6

    @property
    def word(self) -> str:
        """The lower-case word for users."""
        return self.name.lower()

    def described(self, sentence: str) -> str:
        """Return the word with a sentence on it; or the sentence, if that says the result."""
        if sentence.startswith((self.word, _SAID_AS.get(self, self.word))):
            return sentence
        return f"{self.word} ({sentence})" if sentence else self.word


_SAID_AS = {Result.SUCCESS: "build successful", Result.FAILURE: "failed"}
"""How sentences of builds and steps begin where it is not with the word."""


_SEVERITY = (
    Result.SKIPPED,
    Result.SUCCESS,
    Result.WARNINGS,
    Result.FAILURE,
    Result.EXCEPTION,
    Result.RETRY,
    Result.CANCELLED,
)


def worse(one: Result, other: Result) -> Result:
    """Return the worse of two results, in Buildbot's order of severity."""
    return max(one, other, key=_SEVERITY.index)
