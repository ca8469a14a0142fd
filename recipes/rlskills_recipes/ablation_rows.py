"""What the recipe `ablations` changes, row by row, and the eval sets that it shows."""

from typing import Any

STAGE1: dict[str, dict[str, Any]] = {
    "nothing copied": {"world": {"copying": 0.0}},
    "copying 0.3": {"world": {"copying": 0.3}},
    "rows 0.02": {"world": {"rows": 0.02}},
    "rows 0.05": {"world": {"rows": 0.05}},
    "calls on five letters": {"world": {"longest": 5}},
    "calls on seven letters": {"world": {"longest": 7}},
    "16 common functions": {"world": {"common": 16}},
    "48 common functions": {"world": {"common": 48}},
    "composing 0.3": {"world": {"composing": 0.3}},
    "half as long": {"stage1": {"max_steps": 750}},
    "AdamW, 3000 updates": {"stage1": {"optimizer": "adamw", "max_steps": 3000}},
}
STAGE2: dict[str, dict[str, Any]] = {
    "AdamW": {"grpo": {"optimizer": "adamw", "learning_rate": 3e-4}},
    "KL 0.03": {"grpo": {"beta": 0.03}},
    "temperature 1.3": {"grpo": {"temperature": 1.3}},
    "learning rate 1e-4": {"grpo": {"learning_rate": 1e-4}},
    "32 problems x 8": {"grpo": {"prompts_per_step": 32, "group_size": 8}},
    "zero-variance groups kept": {"grpo": {"treatments": ("grpo?zero_variance=keep",)}},
    "unscaled advantages": {"grpo": {"treatments": ("grpo?scale=none",)}},
}
ROWS = {"quickstart": {}, **STAGE1, **STAGE2}
CELLS = [("common", 4), *(("train", n) for n in (2, 3, 4)),
         *(("held_out", n) for n in (1, 2, 3, 4))]  # fmt: skip
