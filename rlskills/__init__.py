"""Reinforcement-learning post-training in which models compose skills they have into new ones.

`environments` asks problems and grades answers, `curricula` choose what is asked next, `generation`
samples, `training` learns from it, `experiments` runs studies of several arms, and `report` reads
what they wrote. CONTRIBUTING.md lists all packages in the order of their imports.
"""

__version__ = "0.1.0"
