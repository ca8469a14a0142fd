"""Cases of the contract suite: every method, with settings under which its parts come into play."""

from __future__ import annotations

import functools
import random
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rlskills.curricula import (
    CATALOGUE,
    Base,
    BoxPool,
    Choice,
    Labels,
    Outcome,
    Pool,
    make,
    pool_of,
)  # fmt: skip

UNITS = ("a", "b", "c", "ab", "bc", "abc", "far")
POOL = Pool(
    UNITS,
    levels={"a": 1, "b": 1, "c": 1, "ab": 2, "bc": 2, "abc": 3, "far": 3},
    prerequisites={"ab": ("a", "b"), "bc": ("b", "c"), "abc": ("ab", "c")},
    skills={unit: ("x",) if unit == "far" else tuple(unit) for unit in UNITS},
)
BOX = BoxPool(low=(0.0, -1.0), high=(2.0, 1.0))
TEACHERS = ("uniform_box", "alp_gmm", "covar_gmm", "riac")
"""Those that also teach a box of parameters."""
QUICK = {
    "e2h_cosine": "total_steps=6",
    "e2h_gaussian": "total_steps=6",
    "structured_to_open": "total_steps=6",
    "level_window": "groups=2&width=2&up=0.5",
    "level_window_down": "groups=2&width=1&up=0.6&down=0.4&by=skills",
    "self_improvement": "round_groups=3&accept=0.3",
    "bidirectional_lp": "window=4",
    "bidirectional_lp_graph": "window=4",
    "tscl_window": "window=3",
    "tscl_thompson": "window=2",
    "alp_windows": "window=3",
    "mastering_rate": "window=3",
    "alp_gmm": "window=8&most=3&memory=12",
    "covar_gmm": "window=8&most=3",
    "riac": "most=6",
    "sec": "arms=unit",
    "dump": "arms=unit",
    "mopps": "ratio=1",
    "bots": "ratio=1",
    "vcrl": "warmup=2",
    "skill_it": "every=2",
    "random_subset": "share=0.4&redraw=slices&every=2",
    "dapo": "inner=(bidirectional_lp?window=4)",
    "band": "inner=mopps",
    "greso": "inner=plr",
    "speed": "inner=sec",
    "instance_filter": "inner=bidirectional_lp",
    "allocated": "inner=mopps",
    "with_stagnation": "inner=sec&window=4",
    "with_prerequisites": "inner=plr",
    "with_staleness": "inner=plr",
}


@functools.cache
def example() -> str:
    """The method of docs/curricula.md, written into a file outside the package."""
    page = (Path(__file__).parents[2] / "docs" / "curricula.md").read_text()
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[-1]
    folder = Path(tempfile.mkdtemp())
    (folder / "mine.py").write_text(code)
    return f"{folder / 'mine.py'}:HalfSolved"


CASES: dict[str, tuple[str, Pool]] = {name: (name, POOL) for name in CATALOGUE}
CASES |= {f"{name}?{options}": (f"{name}?{options}", POOL) for name, options in QUICK.items()}
CASES |= {
    f"{name} in a box": (f"{name}?{QUICK[name]}" if name in QUICK else name, BOX)
    for name in TEACHERS
}
CASES["outside"] = ("outside", POOL)
COMPOSED = pool_of(
    {
        "f": Labels(1, ("f",), "f"),
        "g": Labels(1, ("g",), "g"),
        "h": Labels(1, ("h",), "h"),
        "f>g": Labels(2, ("f", "g"), "f>g"),
        "g>h": Labels(2, ("g", "h"), "g>h"),
        "f>g>h": Labels(3, ("f", "g", "h"), "f>g>h"),
        "h>h": Labels(2, ("h",), "h>h"),
    },
    {"f>g": ("f", "g"), "g>h": ("g", "h"), "h>h": ("h",), "f>g>h": ("f>g", "g>h")},
)
"""Units by composition, with the graph as an environment gives it."""
STRUCTURED = ("bidirectional_lp_graph", "composition", "ladder", "mastering_rate", "skill_it",
              "stat_sel", "stat_syn", "with_prerequisites")  # fmt: skip
CASES |= {f"{name} over compositions": (name, COMPOSED) for name in STRUCTURED}


def build(case: str, seed: int = 0, pool: Pool | None = None) -> Base:
    """The curriculum of a case."""
    spec, own = CASES[case]
    return make(example() if spec == "outside" else spec, pool or own, seed)


def group(choice: Choice, rng: random.Random) -> Outcome:
    """A group of a kind that occurs: all alike, mixed, fractional, of any size, maybe late."""
    size = choice.rollouts or rng.randint(1, 8)
    rates = {
        "none": [0.0] * size,
        "all": [1.0] * size,
        "mixed": [float(rng.random() < 0.5) for _ in range(size)],
        "parts": [rng.random() for _ in range(size)],
    }[rng.choice(["none", "all", "mixed", "mixed", "parts"])]
    feature = (rng.random(),) if rng.random() < 0.8 else None
    return Outcome(choice, tuple(rates), rng.randint(0, 30), features=feature)


def live(
    teacher: Base, events: Sequence[tuple[int, int]], pending: list[Choice]
) -> list[list[Choice]]:
    """Sample and observe: each event draws some units, then reports some open choices, shuffled.

    Choices that stay open are left in `pending`. Returns what was drawn.
    """
    drawn = []
    for count, number in events:
        drawn.append(teacher.sample(count))
        pending += drawn[-1]
        rng = random.Random(number)
        rng.shuffle(pending)
        back = [pending.pop() for _ in range(rng.randint(0, len(pending)))]
        teacher.observe([group(choice, rng) for choice in back])
    return drawn


def reseed(teacher: Base, seed: int) -> None:
    """Another future for the same state."""
    for part in (teacher, getattr(teacher, "inner", None)):
        if part is not None:
            part.rng = random.Random(seed)
            if hasattr(part, "noise"):
                part.noise = np.random.default_rng(seed)  # type: ignore[attr-defined]


def shares(teacher: Base, draws: int, batch: int) -> dict[str, float]:
    """Share of each unit in batches drawn from the present state again and again."""
    state = teacher.state_dict()
    counts = dict.fromkeys(teacher.units, 0)
    for number in range(draws):
        teacher.load_state_dict(state)
        reseed(teacher, number)
        for choice in teacher.sample(batch):
            counts[choice.unit] += 1
    teacher.load_state_dict(state)
    return {unit: count / draws / batch for unit, count in counts.items()}


def numbers(state: Any) -> list[float]:
    """All numbers of a state but those of generators."""
    if isinstance(state, dict):
        return [
            number
            for key in sorted(state)
            if key not in ("rng", "noise", "pool")
            for number in numbers(state[key])
        ]
    if isinstance(state, list):
        return [number for item in state for number in numbers(item)]
    return [float(state)] if isinstance(state, int | float) else []


# Small examples that are done by hand.

LEVELS = Pool(("a", "b", "c", "d"), levels={"a": 1, "b": 1, "c": 2, "d": 3})
CHAIN = Pool(
    ("f", "g", "fg", "fgf"),
    levels={"f": 1, "g": 1, "fg": 2, "fgf": 3},
    prerequisites={"fg": ("f", "g"), "fgf": ("fg", "f")},
    skills={"f": ("f",), "g": ("g",), "fg": ("f", "g"), "fgf": ("f", "g")},
)


def curriculum(spec: str, pool: Pool | Sequence[str] = LEVELS, **options: Any) -> Any:
    return make(spec, pool, 0, **options)


def groups(*results: tuple[str, float], step: int = 1, size: int = 4) -> list[Outcome]:
    """Groups of right and wrong answers with these means."""
    made = []
    for unit, mean in results:
        right = round(mean * size)
        rates = (1.0,) * right + (0.0,) * (size - right)
        made.append(Outcome(Choice(unit), rates, step))
    return made


def near(teacher: Base, wanted: Sequence[float] | np.ndarray) -> None:
    np.testing.assert_allclose(list(teacher.probabilities().values()), wanted, atol=1e-12)
