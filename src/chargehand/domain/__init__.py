"""The words of continuous integration as values: no input or output, no clock."""
