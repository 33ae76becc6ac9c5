"""What the tests share: shipped tables, made-up notebooks and histories, a source server."""
