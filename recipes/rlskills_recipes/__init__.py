"""Recipes: one importable module per study, run by `rlskills run NAME` or as a script.

Each has a `Config` (its settings), `study(config)` (arms, seeds and eval sets, as data) and
`main(config)` (run it, and what it prints after). Some run the studies of others with settings of
their own.
"""
