"""Reinforcement-learning post-training in which models acquire skills by composing skills they have.

Rooms, from the bottom up: `tasks` (what is asked and how it is graded), `curricula` and `models`,
then `training`, `evaluation` and `runs`, and on top the command line and the recipes.
"""

__version__ = "0.1.0"
