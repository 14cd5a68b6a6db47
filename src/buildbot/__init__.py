"""The extension API, under Buildbot's names: what users subclass and name in ``master.cfg``."""

from buildbot._border import finder

version = __version__ = "4.3.0"
"""The version of Buildbot whose documented interface this package offers."""


def getVersion(init_file: str = "") -> str:
    """Return the version, as packages that are built like Buildbot's plug-ins ask for it."""
    return version


finder.install()
