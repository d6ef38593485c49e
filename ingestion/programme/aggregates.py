"""Sources that send no rows of people: moments of cells, effects published elsewhere, what was spent.

In: nothing; this is the contract of their columns. Out: the columns of each role and register, by
Sitewise's own words, and which of them a file must have. Reading files is the task of
`ingestion.rows.aggregate_reading`; whether the numbers hold together is judged in the warehouse.
"""

ROLES = ("moments", "estimates")
WITHOUT_KEYS = (*ROLES, "corrections")

PLACE = ("site", "wave", "indicator", "dimension", "level")
CELL = ("arm", "block", "cluster")
_MOMENTS = ("n", "mean", "sd", "events", "exposure", "effect_se", "effect_df")
_ESTIMATES = (
    "effect",
    "se",
    "low",
    "high",
    "level_pct",
    "df",
    "scale",
    "n",
    "n_treatment",
    "n_control",
    "citation",
)

_COST_KEY = ("site", "wave", "category", "ingredient", "id")
_COSTS = ("amount", "currency", "price_year", "behaviour", "payment", "participants")

COLUMNS = {
    "moments": (*PLACE, *CELL, *_MOMENTS),
    "estimates": (*PLACE, *_ESTIMATES),
    "costs": (*_COST_KEY, *_COSTS),
    "corrections": ("record", "question", "old", "new", "action", "at", "reason", "who"),
}
NEEDED = {"moments": ("arm", "n"), "estimates": ("effect", "scale", "citation"), "costs": ("amount",)}
NEEDED["corrections"] = ("record", "question", "new")
KEY = {"moments": (*PLACE, *CELL), "estimates": PLACE, "costs": _COST_KEY}
REPEATED = ("costs",)
"""Of which a file may hold several rows of one key: two purchases of the same ingredient are two rows."""
