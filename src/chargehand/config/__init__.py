"""The configuration as one immutable value: model, errors, difference."""
