"""How the REST API's resources are read with SQL: one value for each kind, one planner for all."""
