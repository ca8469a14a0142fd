"""What an arm is shown of a problem besides its text: the field `supervision` of a manifest."""

from __future__ import annotations

from enum import StrEnum


class Supervision(StrEnum):
    """The most that an arm is shown. A claim of one arm over another holds between equals.

    What is particular to a study, such as the problems of a cold start, is the manifest's
    `supervision_note`.
    """

    NONE = "none"
    """Nothing: the model is measured as it is."""
    ANSWERS = "answers"
    """Whether an answer is right (RL, RFT), or the bare answer (SFT)."""
    STEPS = "every step"
    """Worked solutions, or a verdict on each step; also where answers are used beside them."""
