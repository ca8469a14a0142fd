"""The page on speed, from the files of runs: `rlskills bench page`."""

from __future__ import annotations

from pathlib import Path

from ..errors import UserError
from ..tables import markdown
from . import show
from .results import ACCURACY, TRAIN, Compared, Timed


def speed_part(timed: Timed) -> str:
    """Markdown of a comparison of speed."""
    words = [
        f"`{timed.about['command']}`",
        f"{show.setting(timed)}.",
        f"{show.where(timed.about)}.",
    ]
    tables = [show.ratios(timed), show.speed(timed), show.shares(timed), show.resources(timed)]
    return "\n".join(
        ["\n\n".join(words), "", *(markdown(*table, numbers_from=1) for table in tables),
         "\n\n".join(show.notes(timed)), ""]
    )  # fmt: skip


def accuracy_part(compared: Compared) -> str:
    """Markdown of a comparison of what was learned."""
    s = compared.about["settings"]
    levels = " and ".join(map(str, s["levels"]))
    words = [
        f"`{compared.about['command']}`",
        f"{s['accuracy_updates']} updates of {s['prompts_per_step']} x {s['group_size']} "
        f"completions, AdamW, learning rate {s['learning_rate']:g}; {s['accuracy_seeds']} seeds; "
        f"{s['accuracy_problems']} held-out problems of level {levels}, answered greedily. "
        f"Intervals: 95 %, {compared.learned[-1].accuracy.method}.",
        f"{show.where(compared.about)}.",
    ]
    return "\n".join(["\n\n".join(words), "", markdown(*show.accuracy(compared), numbers_from=1)])


def page(folder: Path) -> str:
    """The whole page, of every run in a subfolder of `folder`.

    Raises:
        UserError: there is none, or a file is damaged.
    """
    parts = []
    for file in sorted(folder.glob(f"*/{TRAIN}")):
        timed = Timed.read(file)
        parts.append(f"## {_title(timed)}\n\n{speed_part(timed)}")
    for file in sorted(folder.glob(f"*/{ACCURACY}")):
        part = accuracy_part(Compared.read(file))
        parts.append(f"## Is speed bought with accuracy?\n\n{part}")
    if not parts:
        raise UserError(f"{folder} has no subfolder with a {TRAIN} or {ACCURACY}")
    return "\n".join([TEXT, *parts])


def _title(timed: Timed) -> str:
    return f"Speed: {Path(timed.about['settings']['model']).name}"


TEXT = """# How fast is training, beside TRL?

`rlskills bench train` measures whole GRPO updates, from drawing problems to the optimizer's step,
of rlskills and of plain `trl.GRPOTrainer`, in one process on one machine.

```sh
rlskills bench train --output docs/speed/tiny-base
rlskills bench train --model smollm2 --output docs/speed/smollm2
rlskills bench train --accuracy --output docs/speed/accuracy
rlskills bench train --model 0.6B
rlskills bench train --check docs/speed/tiny-base/train.json
rlskills bench page docs/speed --output docs/speed.md
```

The last one wrote this page. `--check` exits with status 1 if a ratio has fallen by more than 15 %
(`--tolerance`).

## What is compared

- **rlskills** has its default settings: groups whose rewards are all alike are not trained on.
- **rlskills keep** trains on every group (`grpo?zero_variance=keep`): the same arithmetic as TRL.
- **TRL tuned** is `GRPOTrainer` without subclass or patch, without gradient checkpointing, in the
  precision that ours has: float32 on a CPU, on a GPU bfloat16 products on float32 weights.
- The default does not take part where no answer is right: under random weights (a shape such as
  0.6B), and where a model never gets one of the problems, as smollm2 with `arithmetic`.
- `--trl-defaults` adds TRL with nothing set; on a CPU its bfloat16 is emulated and no fair anchor.

All begin every turn with the same weights, draw the same problems in the same order, have the same
grader, optimizer (AdamW), loss (`dapo`), clipping and micro-batches, and the attention kernel and
precision that is quickest for each here, found by trying. The learning rate is 1e-7, so that the
policy stands still. Turns alternate, in reversed order in every other round, and the first updates
of each are left out. An update lasts from the end of the one before to its own end, with logs.
Ratios are taken within a round; tables have medians, lowest and highest in brackets.

What was decided where there was a choice:

- **Lengths are left as they are.** TRL generates until the longest completion of the batch has
  ended and pads all to it; rlskills drops rows that have ended, and reads a prompt once for its
  group. Both are as their users get them.
- **The default's lead hangs on the share of groups that it leaves out** (the column *zero
  variance*), which changes as a policy learns. `keep` is the number without it.
- **The default divides by fewer tokens**: under `dapo` groups that are left out do not count, so
  its gradients are longer than those of the other two. Accuracy is compared for that reason.
- **Each writes its logs**: rlskills metrics, TensorBoard and every rollout, TRL TensorBoard.
- **TRL has its problems before it begins**; rlskills draws them in the update, with its curriculum.
- **TRL gains from two things that rlskills sets for the process**: threads, and that freed memory
  is kept (glibc).
- By CPU time other programs on the machine disturb least; wall time is what a user waits for.

Time shares are measured by wrapping the calls that sample, compute the loss and its gradients, clip
and step; nothing in either trainer is changed for it. *rest* is all else: drawing, encoding,
grading, advantages, padding, logs.
"""
