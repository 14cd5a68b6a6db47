"""Build factories under Buildbot's module name: the plain one, and those that are ready-made."""

from buildbot._border.finder import old_names_of
from buildbot.process.build_factory import BuildFactory
from buildbot.steps.factories import (
    CPAN,
    BasicBuildFactory,
    BasicSVN,
    Distutils,
    GNUAutoconf,
    QuickBuildFactory,
    Trial,
)

__all__ = [
    "CPAN",
    "BasicBuildFactory",
    "BasicSVN",
    "BuildFactory",
    "Distutils",
    "GNUAutoconf",
    "QuickBuildFactory",
    "Trial",
]

__getattr__ = old_names_of(__name__)
