"""The revisions, oldest first by name; ``chargehand.store.engine.schema.REVISIONS`` lists them."""
