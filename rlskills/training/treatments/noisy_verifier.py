"""Noisy verifier: a control in which some verdicts are wrong.

A right answer is called wrong at the rate `fn`, a wrong one right at the rate `fp`; so a problem of
pass rate p seems to have fp + (1 - fp - fn) * p. With `unbiased` rewards are corrected by

    (verdict - fp) / (1 - fp - fn)

which has the right mean (cf. arXiv 2510.00915), but changes nothing where rewards are divided by
their deviation. The set-up is this project's own. By default the verdict on a completion is a
matter of its problem and its text, the same whenever and wherever it is sampled, as with a faulty
program; `fresh` draws it each time.

Name it first: `correct` and the answer's part of the reward are replaced before any treatment
behind it looks, rows that are added later before `shape`. The curriculum, `train/accuracy` and the
budgets are of the truth; the rollout log has the verdicts. All right and all wrong groups become
mixed ones. Truncated or unreadable: no answer, so never called right. Ungraded: as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ...environments import seed_from
from ...errors import UserError
from ..batch import Rollout, RolloutBatch
from .treatment import TREATMENTS, Sampler, Treatment


@TREATMENTS.register("noisy_verifier")
class NoisyVerifier(Treatment):
    """Some right answers are called wrong, and some wrong ones right."""

    paper = "cf. arXiv 2510.00915"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """How often it errs."""

        fp: float = 0.1
        """Rate at which wrong answers are called right."""
        fn: float = 0.1
        """Rate at which right answers are called wrong."""
        fresh: bool = False
        """Draw each verdict anew, instead of the same one for the same completion of a problem."""
        unbiased: bool = False
        """Correct rewards so that their mean is that of the truth; `correct` stays the verdict."""

        def __post_init__(self) -> None:
            for name in ("fp", "fn"):
                if not 0 <= getattr(self, name) <= 1:
                    raise UserError(
                        f"noisy_verifier: {name} must be from 0 to 1, not {getattr(self, name)}"
                    )
            if self.unbiased and not self.fp + self.fn < 1:
                raise UserError(
                    f"noisy_verifier: unbiased needs fp + fn below 1, not {self.fp + self.fn:g}"
                )

    def setup(self) -> None:
        """No round yet."""
        self._changed = 0.0

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        """Before anything is done about groups that fail."""
        self._judge(batch)

    def shape(self, batch: RolloutBatch) -> None:
        """What was added since."""
        self._judge(batch)
        verdicts = [row.meta["truth"] != row.score.correct for row in batch if "truth" in row.meta]
        self._changed = sum(verdicts) / max(1, len(verdicts))

    def metrics(self) -> dict[str, float]:
        """The share of verdicts that are not true."""
        return {"untrue": self._changed}

    def _judge(self, rows: Iterable[Rollout]) -> None:
        for row in rows:
            if row.score.failed or "truth" in row.meta:
                continue
            if self.options.fresh:
                drawn = self.rng.random()
            else:
                drawn = seed_from("noisy_verifier", row.task.key, row.text) / 2**63
            self._say(row, drawn)

    def _say(self, row: Rollout, drawn: float) -> None:
        """The verdict, and the reward that follows from it."""
        score, fp, fn = row.score, self.options.fp, self.options.fn
        row.meta["truth"] = score.correct
        readable = score.status == "ok"
        verdict = drawn >= fn if score.correct else readable and drawn < fp
        before = score.parts.get("answer", float(score.correct))
        # Partial credit for a wrong answer that is called wrong stays.
        after = before if verdict == score.correct else float(verdict)
        row.score = replace(
            score, correct=verdict, parts={**score.parts, "answer": after},
            reward=score.reward + self._weight(row) * (after - before),
        )  # fmt: skip
        paid = (after - fp) / (1 - fp - fn) if self.options.unbiased else after
        row.reward += self._weight(row) * (paid - before)

    @staticmethod
    def _weight(row: Rollout) -> float:
        """What a right answer adds to the reward."""
        return row.env.weights.get("answer", 0.0)
