"""Quality rules, their judgement by Great Expectations, and the verdicts that admit or withhold; knows no orchestrator."""
