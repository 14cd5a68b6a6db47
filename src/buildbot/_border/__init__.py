"""The foundation of this package: the bridge, errors and their origin, Twisted."""
