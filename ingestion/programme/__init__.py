"""A programme as data: its YAML folder read, checked, and turned into registry tables."""
