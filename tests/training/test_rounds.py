from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from rlskills.training.rounds import merge, select


def batch(rows: int, prompt: int, completion: int, start: int) -> dict[str, torch.Tensor]:
    """Rows that can be told apart: every token of row i is `start + i`."""
    name = torch.arange(start, start + rows)
    return {
        "prompt_ids": name[:, None].repeat(1, prompt),
        "prompt_mask": torch.ones(rows, prompt, dtype=torch.long),
        "completion_ids": name[:, None].repeat(1, completion),
        "completion_mask": torch.ones(rows, completion, dtype=torch.long),
        "advantages": name.float(),
        "num_items_in_batch": torch.tensor(0),
    }


masks = st.lists(st.booleans(), min_size=8, max_size=8)


@given(st.lists(masks, min_size=1, max_size=3), st.sampled_from([1, 2, 4]), st.integers(0, 3))
def test_wanted_rows_come_through_and_others_only_fill_up(keeps, multiple, extra):
    rounds = [
        select(batch(8, 3 + i, 5 + 2 * i, 100 * (i + 1)), torch.tensor(keep))
        for i, keep in enumerate(keeps)
    ]
    rows = min(8, sum(sum(keep) for keep in keeps) + extra)
    merged = merge(rounds, pad=0, rows=rows, multiple=multiple)
    wanted = [100 * (i + 1) + j for i, keep in enumerate(keeps) for j in range(8) if keep[j]]
    advantages = merged["advantages"].tolist()
    assert len(advantages) % multiple == 0
    assert len(advantages) >= 1
    live = [int(a) for a in advantages if a]
    assert live == wanted[: len(live)]
    assert len(live) == min(8, len(wanted))
    assert len(advantages) == max(multiple, -(-rows // multiple) * multiple)
    # Tokens still belong to their rows, padded on the proper side.
    for ids, advantage in zip(merged["completion_ids"], advantages, strict=True):
        if advantage:
            assert set(ids[ids != 0].tolist()) == {int(advantage)}
    assert merged["prompt_ids"].shape == merged["prompt_mask"].shape
    assert bool((merged["prompt_mask"][:, -1] == 1).all())
    assert bool((merged["completion_mask"][:, 0] == 1).all())


def test_columns_that_are_padding_everywhere_are_dropped():
    whole = batch(4, 6, 9, 1)
    whole["completion_mask"][:, 4:] = 0
    whole["completion_mask"][3, :] = 1
    kept = merge([select(whole, torch.tensor([True, True, False, False]))], 0, 2, 1)
    assert kept["completion_ids"].shape == (2, 4)
