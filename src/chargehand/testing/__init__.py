"""What our tests and the authors of extensions use."""
