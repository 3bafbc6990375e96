"""Tuning: many short lives of one training run, each with other options, and the best of them as a train.toml.

A `plan` holds the `space` of what may be chosen; `sampling` chooses. `trials` are what was tried, `runs` their trainings. `storage` is
where they are kept: a `journal` or a `database`. `search` does the work, `report` shows it. Optuna is imported when it begins.
"""
