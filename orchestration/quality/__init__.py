"""What the gates have found, kept night by night, and found again under other thresholds."""
