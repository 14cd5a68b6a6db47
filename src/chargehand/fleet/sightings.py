"""What is seen of a machine while its worker must connect."""

from __future__ import annotations

from collections.abc import Callable


class Sightings:
    """Keeps what was seen last of one machine, and whether a login was refused since its start.

    *refusal* returns when and why a login with the worker's name was refused lately.
    """

    def __init__(self, refusal: Callable[[], str]) -> None:
        self._refusal = refusal
        self._earlier_refusal = ""
        """The one that was known when the machine was started; it is not about this machine."""
        self._seen = ""

    def begin(self) -> None:
        """Another machine is started."""
        self._earlier_refusal, self._seen = self._refusal(), ""

    def see(self, words: str) -> None:
        """Keep what was seen; empty: nothing that helps."""
        self._seen = words

    @property
    def words(self) -> str:
        """What keeps the worker from connecting, as far as that is known; else empty."""
        refusal = self._refusal()
        told = "" if refusal == self._earlier_refusal else refusal
        return "; ".join(filter(None, [told, self._seen]))
