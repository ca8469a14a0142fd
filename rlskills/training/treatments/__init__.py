"""What a policy learns from the rollouts it sampled: one file for each method, and they combine.

A treatment acts in stages of a round (`treatment.py`). `--treatments maxrl step_credit?mode=myopic`
names those of an arm, in the order in which their stages run; one from outside the package is named
`file.py:Class`. The list of modules is the catalogue: each registers its treatment.
"""

from . import (  # noqa: F401
    annealed_temperature,
    b_star,
    brevity,
    dco,
    distillation,
    dpo,
    dynamic_sampling,
    effort,
    entropy_target,
    format_reward,
    grpo,
    guide,
    half_fine_tuning,
    hicra,
    hidden_bonus,
    hpt,
    maxrl,
    noisy_verifier,
    overlong,
    pass_k,
    random_reward,
    reinforce,
    rft,
    self_distillation,
    semantic_entropy,
    star,
    step_credit,
    step_dpo,
    step_reward,
)
from .gate import CurriculumGate, TruncationMask
from .treatment import (
    TREATMENTS,
    Sampler,
    Treatment,
    acts,
    acts_supervised,
    arm_name,
    build_treatments,
    in_stage,
    make_treatment,
    supervised_specs,
    supervision_of,
    treatment_specs,
)

__all__ = [
    "TREATMENTS", "CurriculumGate", "Sampler", "Treatment", "TruncationMask", "acts",
    "acts_supervised", "arm_name", "build_treatments", "in_stage", "make_treatment",
    "supervised_specs", "supervision_of", "treatment_specs",
]  # fmt: skip
