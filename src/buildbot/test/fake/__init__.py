"""Parts of the kit under the names that they had before version 4."""
