"""Build factories under Buildbot's module name: the plain one, and those that are ready-made."""

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
