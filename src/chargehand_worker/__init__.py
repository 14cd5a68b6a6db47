"""The agent: owns the processes of commands, and tells the master what they write."""
