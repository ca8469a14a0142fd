"""Measures of what was learned, on plain numbers: counts, steps, values per seed.

One file for each question; no model, no files. `docs/measures.md` lists them.
"""
