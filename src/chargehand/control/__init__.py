"""Control methods for people and scripts: force, stop, rebuild …, and why requests wait."""
