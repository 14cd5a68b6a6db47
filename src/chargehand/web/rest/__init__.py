"""The REST API ``/api/v2``: reading, orders, logs, and the cache that makes polling cheap."""
