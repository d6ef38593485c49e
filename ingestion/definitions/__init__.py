"""Form definitions: one reader per form language, all giving fields and choices of one shape."""
