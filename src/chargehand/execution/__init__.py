"""Running builds and their steps: commands, logs, results."""
