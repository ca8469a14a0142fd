"""HICRA: more credit on the tokens that plan than on those that carry out.

Onto the advantages A that stand there, on planning tokens only,

    A' = A + alpha * |A|

so that what a good completion planned is praised by 1 + alpha, and what a bad one planned is blamed
by 1 - alpha. H. Wang et al. 2025, "Emergent Hierarchical Reasoning in LLMs through Reinforcement
Learning", arXiv 2509.03646 (v3). There A is reward minus mean, which is `grpo?scale=none`.

Which tokens plan: by default those of a worked step that name the call, up to where its value
begins (this project's exact form; a token that holds a part of both belongs to the value). With
`grams`, those inside any of the texts of a file. The paper finds such texts by clustering what many
right solutions have in common; that is not done here, the list is the user's.

All right, all wrong: no advantage under GRPO, so none here. Truncated: its complete steps. Without
steps, or ungraded: as it was. Name it behind what sets the advantages.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...errors import UserError
from ..batch import Rollout, RolloutBatch
from .treatment import TREATMENTS, Sampler, Treatment


@TREATMENTS.register("hicra")
class HICRA(Treatment):
    """Advantages are raised by a share of their size on planning tokens."""

    paper = "H. Wang et al. 2025, arXiv 2509.03646"
    needs_steps = True
    supervision = "every step"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """How much more, and where."""

        alpha: float = 0.2
        """Share of an advantage's size that is added, between 0 and 1."""
        grams: str = ""
        """A JSON file with a list of texts: tokens inside them are planning tokens, instead of
        those that name a step's call. They are found as they are written, inside words too."""

        def __post_init__(self) -> None:
            if not 0 < self.alpha < 1:
                raise UserError(f"hicra: alpha must lie between 0 and 1, not {self.alpha}")

    def setup(self) -> None:
        """Read the texts, where there are any."""
        self._texts = _texts(self.options.grams) if self.options.grams else None
        self._share = self._plans = 0.0

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        """Find the texts in all rows that are there by now."""
        if self._texts is None:
            return
        for rollout in batch:
            places = [found.span() for found in self._texts.finditer(rollout.text)]
            rollout.meta["planning"] = sampler.spans(rollout, places) if places else []

    def credit(self, batch: RolloutBatch) -> None:
        """Rows without planning tokens keep the advantages that they have."""
        rows = {rollout: self._planning(rollout) for rollout in batch}
        for rollout, planning in rows.items():
            if planning.any() and Rollout.advantages.any(rollout):
                size = rollout.advantages.abs()
                rollout.credit(rollout.advantages + self.options.alpha * size * planning)
        tokens = sum(rollout.sampled for rollout in batch)
        self._share = sum(int(planning.sum()) for planning in rows.values()) / max(1, tokens)
        found = [_diversity(group, rows) for group in batch.groups()]
        self._plans = sum(found) / max(1, len(found))

    def metrics(self) -> dict[str, float]:
        """The share of tokens that plan, and the entropy (nats) of a group's plans."""
        return {"planning": self._share, "plan_entropy": self._plans}

    def _planning(self, rollout: Rollout) -> Tensor:
        """1 for each sampled token that plans (T)."""
        starts = zip(rollout.steps, rollout.value_starts, strict=False)
        spans = [(start, value) for (start, _, _), value in starts]
        found = torch.zeros(len(rollout.ids))
        for start, end in spans if self._texts is None else rollout.meta.get("planning", []):
            found[start:end] = 1
        return found * torch.tensor(rollout.mask)


def entropy(counts: Iterable[int]) -> float:
    """Of a frequency distribution, in nats."""
    known = [count for count in counts if count]
    return -sum(count / sum(known) * math.log(count / sum(known)) for count in known)


def _diversity(group: list[Rollout], planning: dict[Rollout, Tensor]) -> float:
    """The entropy of what the rows of a group planned, all of it in order."""
    plans = Counter(
        tuple(token for token, plans in zip(row.ids, planning[row].tolist(), strict=True) if plans)
        for row in group
    )
    return entropy(count for plan, count in plans.items() if plan)


def _texts(path: str) -> re.Pattern[str]:
    """What finds any of the texts in a file, the longest that fits."""
    try:
        texts = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"hicra: grams={path} cannot be read: {error}") from None
    if not (isinstance(texts, list) and texts and all(isinstance(t, str) and t for t in texts)):
        raise UserError(f"hicra: grams={path} must be a JSON list of texts")
    return re.compile("|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True)))
