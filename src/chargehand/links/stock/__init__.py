"""Sessions of stock Buildbot workers, whichever protocol they speak."""
