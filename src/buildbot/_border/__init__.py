"""What everything in this package stands on: the bridge, errors and their origin, Twisted."""
