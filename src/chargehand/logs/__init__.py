"""What a log is made of: segments of whole lines, limits, and the writer of own text."""
