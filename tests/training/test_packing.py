from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rlskills.models.kernels import Kernels
from rlskills.models.loading import load
from rlskills.training.packing import IGNORE, pack

sequences = st.lists(
    st.tuples(st.lists(st.integers(3, 98), min_size=2, max_size=30), st.integers(0, 1)),
    min_size=1,
    max_size=20,
)


def masked(ids: list[int], prompt: int) -> tuple[list[int], list[int]]:
    return ids, [int(i >= prompt) for i in range(len(ids))]


@given(sequences, st.booleans())
def test_every_token_is_there_once_and_prompts_carry_no_loss(drawn, one_row):
    pairs = [masked(*pair) for pair in drawn]
    batch = pack(pairs, pad=0, one_row=one_row)
    ids, labels, positions = batch["input_ids"], batch["labels"], batch["position_ids"]
    assert sorted(ids[ids != 0].tolist()) == sorted(t for s, _ in pairs for t in s)
    assert int((labels != IGNORE).sum()) == sum(sum(learned) for _, learned in pairs)
    assert torch.equal(labels[labels != IGNORE], ids[labels != IGNORE])
    assert ids.shape == labels.shape == positions.shape
    assert not one_row or len(ids) == 1
    # Positions restart at every sequence: that is what keeps sequences apart.
    starts = int((positions == 0).sum())
    padded = int((ids == 0).any(1).sum())
    assert starts == len(pairs) + padded


@pytest.mark.parametrize("one_row", [False, True])
def test_an_end_that_pads_too_is_learned_where_it_ends_a_reply(one_row: bool):
    """What is padding is known by its place: by its id, no model would learn to stop."""
    batch = pack([([5, 6, 0], [0, 1, 1]), ([7, 0], [0, 1])], pad=0, one_row=one_row)
    learned = batch["labels"][batch["labels"] != IGNORE].tolist()
    assert learned == [6, 0, 0]
    padded = batch["input_ids"].numel() - 5
    assert padded == (0 if one_row else 1)


def test_packed_loss_equals_the_loss_of_each_alone(small_model: Path):
    model = load(str(small_model), Kernels("eager", "highest")).model.eval()
    generator = torch.Generator().manual_seed(0)
    pairs = [
        masked(torch.randint(3, 98, (n,), generator=generator).tolist(), n // 3)
        for n in (5, 17, 9, 30, 12, 6)
    ]

    def total(batch: dict[str, torch.Tensor]) -> float:
        logits = model(
            input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False
        ).logits[:, :-1]
        labels = batch["labels"][:, 1:]
        return torch.nn.functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), labels.reshape(-1),
            ignore_index=IGNORE, reduction="sum",
        ).item()  # fmt: skip

    alone = sum(total(pack([pair], 0, False)) for pair in pairs)
    # The first token of a packed sequence is predicted by its neighbour in the row: never learned.
    assert not any(learned[0] for _, learned in pairs)
    for one_row in (False, True):
        assert abs(total(pack(pairs, 0, one_row)) - alone) < 1e-3
