"""Sources that send no rows of people: moments of each cell, or an effect that was published elsewhere.

In: nothing; this is the contract of their columns. Out: the columns of each role, by Sitewise's own words,
and which of them a file must have. Reading files is the task of `ingestion.rows.aggregate_reading`; whether
the numbers hold together is judged in the warehouse.
"""

ROLES = ("moments", "estimates")

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

COLUMNS = {"moments": (*PLACE, *CELL, *_MOMENTS), "estimates": (*PLACE, *_ESTIMATES)}
NEEDED = {"moments": ("arm", "n"), "estimates": ("effect", "scale", "citation")}
KEY = {"moments": (*PLACE, *CELL), "estimates": PLACE}
