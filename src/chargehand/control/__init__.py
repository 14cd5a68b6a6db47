"""Orders of people and scripts: force, stop, rebuild, cancel, pause …, and why requests wait."""
