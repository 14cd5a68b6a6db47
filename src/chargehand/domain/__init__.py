"""The domain of continuous integration as values, without input, output or clock."""
