"""Recipes by name or by file: modules with a `Config`, a `study(config)` and a `main(config)`."""

from __future__ import annotations
