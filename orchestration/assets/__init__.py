"""The assets, one module per stretch of the flow: pull, registry, models, gates, release."""

OWNERS = ["team:evidence"]
