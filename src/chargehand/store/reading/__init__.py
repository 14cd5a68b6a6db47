"""Reads the REST API's resources with SQL: one value per kind, one planner for all."""
