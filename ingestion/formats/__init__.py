"""Readers from bytes to text tables, one per format; they know no platform and never guess a type."""
