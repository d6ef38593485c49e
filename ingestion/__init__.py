"""From survey platforms and a programme's YAML to the landing, the lake and the registry tables; knows no orchestrator and no model."""
