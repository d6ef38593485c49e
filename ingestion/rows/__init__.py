"""The way of a row from a landed original to the lake: read, identified, settled, kept or set aside."""
