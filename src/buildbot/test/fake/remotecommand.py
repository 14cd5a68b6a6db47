"""Where expected commands were before version 3: ``Expect(...) + Expect.log(...) + 0``."""

from buildbot.test.expectations import Expect, ExpectRemoteRef, ExpectShell

__all__ = ["Expect", "ExpectRemoteRef", "ExpectShell"]
