"""What a policy learns from the rollouts it sampled: one file for each method, and they combine.

A treatment acts in stages of a round (`treatment.py`). `--treatments maxrl step_credit?mode=myopic`
names those of an arm, in the order in which their stages run; one from outside the package is named
`file.py:Class`. This list is the catalogue.
"""

from .b_star import BStar
from .brevity import Brevity
from .dco import DCO
from .dpo import DPO
from .dynamic_sampling import DynamicSampling
from .effort import Effort
from .format_reward import FormatReward
from .gate import CurriculumGate, TruncationMask
from .grpo import GRPO
from .half_fine_tuning import HalfFineTuning
from .hicra import HICRA
from .maxrl import MaxRL
from .noisy_verifier import NoisyVerifier
from .overlong import Overlong
from .pass_k import PassK
from .random_reward import RandomReward
from .reinforce import Reinforce
from .rft import RFT
from .step_credit import StepCredit
from .step_dpo import StepDPO
from .treatment import (
    TREATMENTS,
    Sampler,
    Treatment,
    arm_name,
    build_treatments,
    make_treatment,
    supervision_of,
    treatment_specs,
)

__all__ = [
    "DCO", "DPO", "GRPO", "HICRA", "RFT", "TREATMENTS", "BStar", "Brevity", "CurriculumGate",
    "DynamicSampling", "Effort", "FormatReward", "HalfFineTuning", "MaxRL", "NoisyVerifier",
    "Overlong", "PassK", "RandomReward", "Reinforce", "Sampler", "StepCredit", "StepDPO",
    "Treatment", "TruncationMask", "arm_name", "build_treatments", "make_treatment",
    "supervision_of", "treatment_specs",
]  # fmt: skip
