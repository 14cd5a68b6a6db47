"""Stock workers over Perspective Broker, which is what they speak unless told otherwise."""
