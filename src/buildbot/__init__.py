"""The extension API, under Buildbot's names: what users subclass and name in ``master.cfg``."""

from buildbot._border import finder

version = __version__ = "4.3.0"
"""The version of Buildbot whose documented interface this package offers."""

finder.install()
