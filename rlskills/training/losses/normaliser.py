"""What the losses of TRL divide by, where part of a round was left out of the batch.

Groups whose rewards are all alike have advantage 0. Leaving their rows out saves the time of
running the model on them, but a mean over fewer rows is a larger one. Each loss keeps what its name
promises:

| loss | divides by | left-out rows |
|---|---|---|
| grpo, sapo | rows of the round (each a mean over its tokens) | are counted |
| luspo | rows of the round | are counted |
| dr_grpo | rows of the round x `max_new_tokens` | are counted |
| bnpo | tokens of the round | are counted |
| cispo, vespo | tokens of the round | are counted |
| dapo | tokens of the batch | are not: under its dynamic sampling they are no part of the batch |

So gradients are those of all rows kept, for all but dapo. Under `dynamic_sampling`, and curricula
that sample again, left-out rows have been replaced, and no loss counts them. The KL and entropy
terms of rows that are left out are missing in every loss; what there is is averaged over the rows
that are there. Completions that were masked because they were cut off count as rows, not as tokens,
as in TRL; what a treatment drops otherwise (wrong answers under rft) counts as neither. Parts of an
update and processes have equally many rows, fillers included, so means over rows do not depend on
how many there are; those over tokens are told of all tokens, except bnpo, which is a mean of the
means of its parts and processes, as in TRL.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..batch import Rollout

BY_ROWS = ("grpo", "sapo", "luspo", "dr_grpo")
BY_TOKENS = ("bnpo", "cispo", "vespo")


def advantage_scale(
    loss: str, rows: Sequence[Rollout], fillers: int, left_out: Sequence[Rollout]
) -> float:
    """What advantages are multiplied by, so that `loss` divides by what it promises.

    `rows` are those of the batch, of which the last `fillers` carry no loss; `left_out` those of
    the round that count without being in it. Policy losses are linear in advantages.
    """
    live = [row for row in rows[: len(rows) - fillers] if row.has_gradient]
    if loss in BY_ROWS and live:
        return len(rows) / (len(live) + len(left_out))
    if loss in BY_TOKENS and live:
        learned = sum(row.learned for row in live)
        # TRL's bnpo counts the tokens of all rows that it is shown, cispo and vespo are told.
        shown = sum(row.sampled for row in rows[len(rows) - fillers :]) if loss == "bnpo" else 0
        return (learned + shown) / (learned + sum(row.counted_tokens or 0 for row in left_out))
    return 1.0
