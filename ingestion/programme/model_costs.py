"""What a register of costs may say of an amount: the words for its category, behaviour and payment.

In: nothing. Out: the words, in the order in which they are told to whoever wrote another.
"""

CATEGORIES = (
    "staff",
    "training",
    "targeting",
    "materials",
    "transport",
    "equipment",
    "incentives",
    "overhead",
    "evaluation",
    "other",
)
"""`evaluation` is what it cost to find out, and no part of what the programme costs."""

WORDS = {"category": CATEGORIES, "behaviour": ("fixed", "variable"), "payment": ("paid", "donated")}
