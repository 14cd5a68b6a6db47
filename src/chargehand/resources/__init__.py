"""Resources of the REST API: fields, paths, events, and queries."""
