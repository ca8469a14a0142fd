"""Packing demonstrations of unequal length into full rows.

Position ids restart at every sequence; transformers reads the boundaries off them and lets no
sequence look into another. A row of a mixed batch is then mostly text instead of mostly padding.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import torch

IGNORE = -100


Sequence: TypeAlias = tuple[list[int], list[int]]
"""Token ids, and which of them are learned (1) or only read (0)."""


def pack(sequences: list[Sequence], pad: int, one_row: bool) -> dict[str, Any]:
    """Model inputs (rows, width); what is only read, as prompts are, carries no loss.

    First-fit by falling length, rows as wide as the longest sequence. `one_row` puts all into a
    single row, which is the only packed form that flash attention understands, and says where
    sequences begin: found out from the positions, that would cost every layer three device syncs.
    """
    longest_first = sorted(sequences, key=lambda pair: -len(pair[0]))
    total = sum(len(ids) for ids, _ in sequences)
    width = total if one_row else len(longest_first[0][0])
    rows: list[list[Sequence]] = []
    room: list[int] = []
    for pair in longest_first:
        need = len(pair[0])
        place = next((i for i, free in enumerate(room) if free >= need), None)
        if place is None:
            rows.append([])
            room.append(width)
            place = len(rows) - 1
        rows[place].append(pair)
        room[place] -= need
    ids = torch.full((len(rows), width), pad)
    labels = torch.full((len(rows), width), IGNORE)
    # Padding continues as a sequence of its own, with nothing to learn from it.
    positions = torch.arange(width).repeat(len(rows), 1)
    for i, row in enumerate(rows):
        at = 0
        for sequence, learned in row:
            end = at + len(sequence)
            ids[i, at:end] = torch.tensor(sequence)
            labels[i, at:end] = ids[i, at:end].masked_fill(torch.tensor(learned) == 0, IGNORE)
            positions[i, at:end] = torch.arange(len(sequence))
            at = end
        positions[i, at:] = torch.arange(width - at)
    packed = {"input_ids": ids, "labels": labels, "position_ids": positions}
    lengths = [len(ids) for ids, _ in longest_first]
    return packed | (boundaries(lengths) if one_row else {})


def boundaries(lengths: list[int], device: torch.device | str = "cpu") -> dict[str, Any]:
    """Where sequences of these lengths in a single row begin and end, as flash attention has it."""
    starts = torch.tensor([0, *lengths]).cumsum(0).to(device, torch.int32)
    return {
        "cu_seq_lens_q": starts, "cu_seq_lens_k": starts,
        "max_length_q": max(lengths), "max_length_k": max(lengths),
    }  # fmt: skip
