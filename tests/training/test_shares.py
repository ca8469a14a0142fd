"""Updates are shared by processes and parts without a rest, or refused in one line."""

from __future__ import annotations

import pytest

from rlskills.errors import UserError
from rlskills.training.arguments import check_shares
from rlskills.training.settings import RLSettings, SFTSettings, Training


@pytest.mark.parametrize(
    ("settings", "processes", "said"),
    [
        (RLSettings(prompts_per_step=6, group_size=2, gradient_accumulation_steps=4), 2, "12"),
        (RLSettings(prompts_per_step=2, group_size=3, gradient_accumulation_steps=2), 2, "6"),
        (RLSettings(prompts_per_step=2, group_size=4, gradient_accumulation_steps=8), 2, "8"),
        (RLSettings(prompts_per_step=3, group_size=2), 2, "multiple of 2 processes"),
        (SFTSettings(batch_size=6, gradient_accumulation_steps=4), 2, "at least processes x"),
    ],
)
def test_what_leaves_a_rest_is_refused(settings: Training, processes: int, said: str):
    with pytest.raises(UserError, match=said):
        check_shares(settings, processes)


def test_what_can_be_shared_is_not():
    check_shares(RLSettings(prompts_per_step=6, group_size=4, gradient_accumulation_steps=4), 2)
    check_shares(SFTSettings(batch_size=7, gradient_accumulation_steps=3), 2)
