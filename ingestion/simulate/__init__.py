"""A seeded simulator of a whole programme, with the truth that was planted in it.

In: numbers of sites and children, and a seed. Out: `simulate()` writes a programme folder and returns its
`Truth`.
"""

from ingestion.simulate.programme import DEFAULT_RESPONDENTS, DEFAULT_SEED, DEFAULT_SITES, simulate
from ingestion.simulate.truth import Truth

__all__ = ["DEFAULT_RESPONDENTS", "DEFAULT_SEED", "DEFAULT_SITES", "Truth", "simulate"]
