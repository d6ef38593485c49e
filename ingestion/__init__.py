"""From survey platforms and a programme's YAML to the landing, the lake and the registry tables.

Knows no orchestrator and no model.
"""
