"""The machinery under the aggregates: connections, the writer, tables, and portable SQL."""
