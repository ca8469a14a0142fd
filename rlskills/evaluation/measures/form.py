"""What a claim says of its effect; apart from the rule, which needs scipy."""

from __future__ import annotations

from typing import Literal, TypeAlias

Form: TypeAlias = Literal["above", "below", "within"]
"""Above or below the smallest effect of interest, or within it on both sides of 0."""
