"""What a policy learns from the rollouts it sampled: one file for each method, and they combine.

A treatment acts in stages of a round (`treatment.py`). `--treatments maxrl step_credit?mode=myopic`
names those of an arm, in the order in which their stages run; one from outside the package is named
`file.py:Class`. This list is the catalogue.
"""

from .annealed_temperature import AnnealedTemperature
from .distillation import Distillation
from .dynamic_sampling import DynamicSampling
from .entropy_target import EntropyTarget
from .gate import CurriculumGate, TruncationMask
from .grpo import GRPO
from .guide import Guide
from .hidden_bonus import HiddenBonus
from .hpt import HPT
from .maxrl import MaxRL
from .rft import RFT
from .self_distillation import SelfDistillation
from .semantic_entropy import SemanticEntropy
from .star import STaR
from .step_credit import StepCredit
from .treatment import (
    TREATMENTS,
    Sampler,
    Treatment,
    arm_name,
    build_treatments,
    in_stage,
    make_treatment,
    supervision_of,
    treatment_specs,
)

__all__ = [
    "GRPO", "HPT", "RFT", "TREATMENTS", "AnnealedTemperature", "CurriculumGate", "Distillation",
    "DynamicSampling", "EntropyTarget", "Guide", "HiddenBonus", "MaxRL", "STaR", "Sampler",
    "SelfDistillation", "SemanticEntropy", "StepCredit", "Treatment", "TruncationMask", "arm_name",
    "build_treatments", "in_stage", "make_treatment", "supervision_of", "treatment_specs",
]  # fmt: skip
