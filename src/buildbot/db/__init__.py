"""The database: tables of plug-ins' own, and reading the master's."""
