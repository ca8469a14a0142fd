"""Numbers by token: one number or many, read alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rlskills.training.by_token import ByToken, Value


@dataclass
class Row:
    """What has tokens."""

    ids: list[int]
    weight: ClassVar[ByToken] = ByToken()


def row_of(values: Value, length: int) -> Row:
    row = Row(list(range(length)))
    row.weight = values
    return row


NUMBERS = st.sampled_from([0.0, 1.0, -0.5, 0.25])
ROWS = st.integers(0, 4).flatmap(
    lambda n: st.builds(row_of, st.one_of(NUMBERS, st.lists(NUMBERS, min_size=n, max_size=n)),
                        st.just(n))
)  # fmt: skip


@given(ROWS)
def test_one_number_is_as_many(row: Row):
    same = row_of(row_of(Row.weight.stored(row), len(row.ids)).weight.tolist(), len(row.ids))
    assert Row.weight.any(row) == Row.weight.any(same) == bool(row.weight.any())
    assert Row.weight.mean(row) == pytest.approx(Row.weight.mean(same))
    assert row.weight.shape == (len(row.ids),)
    assert row.weight.dtype is torch.float32


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_rows_are_padded_with_nothing(rows: list[Row]):
    lengths = torch.tensor([len(row.ids) for row in rows])
    inside = (torch.arange(5) < lengths[:, None]).long()
    found = Row.weight.padded(rows, inside)
    assert found.shape == (len(rows), 5)
    for row, values in zip(rows, found, strict=True):
        assert values.tolist() == [*row.weight.tolist(), *[0.0] * (5 - len(row.ids))]


def test_changes_in_place_stay():
    row = row_of(1.0, 3)
    row.weight[1] = 0.0
    assert row.weight.tolist() == [1, 0, 1]
    values = torch.ones(3)
    row.weight = values
    values[0] = 7.0
    assert row.weight.tolist() == [1, 1, 1]


@pytest.mark.parametrize("values", [[1.0], torch.ones(2, 3), torch.ones(4)])
def test_other_numbers_than_tokens_are_refused(values: Any):
    with pytest.raises(ValueError, match="values for 3 tokens"):
        row_of(values, 3)
