"""Workers that speak our own protocol: their sessions, and the channels that bytes take."""
