"""The REST API ``/api/v2``: queries, control methods, logs, and the cache for cheap polling."""
