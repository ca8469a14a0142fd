"""Reinforcement-learning post-training in which models compose skills they have into new ones.

Rooms, from the bottom up: `tasks` (what is asked and how it is graded), `curricula` and `models`,
then `training`, `evaluation` and `runs`, and on top the command line and the recipes.
"""

__version__ = "0.1.0"
