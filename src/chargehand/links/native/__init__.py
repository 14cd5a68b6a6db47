"""Workers with our own protocol: sessions and channels."""
