"""The revisions, oldest first by name; ``chargehand.store.schema.REVISIONS`` lists them."""
