"""The cleaning logs of the field: read, compared by type, and applied when a corrected source is read."""
