"""Quality rules, their judgement, and the verdicts that admit or withhold; knows no orchestrator."""
