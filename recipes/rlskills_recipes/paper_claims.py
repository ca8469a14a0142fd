"""What the paper claims, and what its critics do, each with the rule that decides it here.

Numbers are the paper's, of Llama-3.1-8B on functions that stage 2 never composed (arXiv 2509.25123,
version 3); smallest effects of interest are ours, fixed before a run.
"""

from collections.abc import Iterator

from rlskills.experiments import Claim, Effect
from rlskills.runs.claims import Form
from rlskills.runs.tags import Address
from rlskills_recipes.paper_config import PaperConfig

L1, L2, L3, L4, L5 = (("held_out", level) for level in (1, 2, 3, 4, 5))
IGNORES, SLIPS = "class: ignores composition", "class: atomic error"
SAMPLED = "arXiv 2509.25123, section 4.4"


def claims(config: PaperConfig) -> Iterator[Claim]:
    """Of all arms that the recipe has."""
    rft, strong = f"rft_{config.iterations}", f"rft_strong_{config.iterations}"
    yield _gain("composes", "4.1", "RL on two nested calls solves three", "rl_l2", L3, ".05 to .28")
    yield _gain("composes deeper", "4.1", "and four", "rl_l2", L4, ".01 to .15")
    yield _gain("both levels", "4.1", "RL on one and two calls solves three", "rl_l12", L3, ".30")
    yield _gain("single calls", "4.1", "RL on single calls does not teach to compose", "rl_l1", L3,
                "none", "below", 0.02)  # fmt: skip
    yield _gain("rejection fine-tuning", "4.2", "rejection fine-tuning on two calls does not solve "
                "three", rft, L3, ".026 at most", "below", 0.03)  # fmt: skip
    yield _gain("ahead of rejection", "4.2", "RL solves more than rejection fine-tuning", "rl_l2",
                L3, ".28 to .026", against=rft)  # fmt: skip
    yield _gain("ahead of a strong one", "4.2, by its critics' baseline", "and more than one that "
                "keeps easy problems and samples as much", "rl_l2", L3, against=strong)  # fmt: skip
    yield _gain("atoms are kept", "4.1", "single calls are known as before", "rl_l2", L1, "",
                "within", 0.02)  # fmt: skip
    kinds = "arXiv 2509.25123, section 4.5"
    yield Claim("all compose", "after RL no answer ignores the composition", kinds,
                Effect("rl_l2", (L3,), "", IGNORES), 0.05, "below", "0")  # fmt: skip
    yield Claim("atoms fail", "what fails are single steps, more than before", kinds,
                Effect("rl_l2", (L3,), measure=SLIPS), 0.05, paper=".55")  # fmt: skip
    for name, arm in (("answers", "sft_answers"), ("worked", "sft_worked")):
        yield _gain(f"ahead of SFT ({name})", "4.2, extended", f"RL solves more than supervised "
                    f"training ({name})", "rl_l2", L3, against=arm)  # fmt: skip
    if config.samples > 1:
        yield _grows(config.samples, L5, 1, "the gain on hard problems grows with k", ".04 to .25")
        yield _grows(config.samples, L2, -1, "the gain on easy ones shrinks with k", "shrinks")


def _gain(name: str, section: str, text: str, arm: str, at: Address, paper: str = "",
          form: Form = "above", smallest: float = 0.05,
          against: str = "base") -> Claim:  # fmt: skip
    source = f"arXiv 2509.25123, section {section}"
    return Claim(name, text, source, Effect(arm, (at,), against), smallest, form, paper)


def _grows(k: int, at: Address, sign: int, text: str, paper: str) -> Claim:
    """That an arm's lead at pass@k is above that at pass@1, or below it."""
    effect = Effect("rl_l12", (at,), measure=f"pass@{k}", sign=1 if sign > 0 else -1,
                    less_measure="pass@1")  # fmt: skip
    return Claim(f"pass@{k} at L{at[1]}", text, SAMPLED, effect, 0.02, paper=paper)
