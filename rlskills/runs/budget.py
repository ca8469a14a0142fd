"""What an arm spends: five budgets, named here once."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any


def _spent(kind: Any, title: str, unit: str) -> Any:
    return field(default=kind(0), metadata={"title": title, "unit": unit})


@dataclass
class Budget:
    """What an arm has spent since it left its base model.

    `samples` are sequences sampled or shown (rollouts for RL, demonstrations for SFT);
    `trained_tokens` are completion tokens that entered a loss; `seconds` leave out evaluation.
    """

    samples: int = _spent(int, "samples", "samples (rollouts or demonstrations)")
    rollouts: int = _spent(int, "rollouts", "rollouts")
    generated_tokens: int = _spent(int, "generated", "generated tokens")
    trained_tokens: int = _spent(int, "trained", "trained tokens")
    seconds: float = _spent(float, "seconds", "training time in seconds")


BUDGETS = tuple(budget.name for budget in fields(Budget))
"""Names of the budgets, as in flags, records and tags."""

TITLES = {budget.name: str(budget.metadata["title"]) for budget in fields(Budget)}
"""Headers of table columns."""

UNITS = {budget.name: str(budget.metadata["unit"]) for budget in fields(Budget)}
"""Labels of axes."""
