"""The agent: owns the processes of commands, and sends their output to the master."""
