"""What the recipe `environments` trains each environment with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """What an environment is trained with."""

    options: str = ""
    levels: tuple[int, ...] = (1,)
    cold_start: int = 300
    """Steps on worked solutions: enough that the base is right sometimes."""
    tokens: int = 48
    """Of the longest answer."""
    rate: float = 1e-3
    """Learning rate of GRPO."""


SETTINGS = {
    # At 1e-3 its first updates destroy what the cold start taught.
    "arithmetic": Setting(levels=(2,), tokens=40, rate=3e-4),
    "countdown": Setting("largest=20&target=99", cold_start=200, tokens=24),
    "graph_path": Setting(levels=(2,), cold_start=400, tokens=32),
    "hierarchy": Setting(levels=(1, 2), cold_start=400, tokens=32),
    "lego": Setting("group=z3", levels=(2,), tokens=24),
    "procedure": Setting(cold_start=250, tokens=16),
    "string_row": Setting("functions=train&common=56", cold_start=250),
    "string_transform": Setting("functions=train&common=48", cold_start=120, tokens=24),
}
