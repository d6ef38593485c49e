"""The release: a published folder that exists only with a passing verdict for exactly its content."""
