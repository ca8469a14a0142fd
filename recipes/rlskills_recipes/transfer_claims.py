"""What the paper claims of transfer, and the rules that decide it here."""

from rlskills.experiments import Claim, Effect

SOURCE = "arXiv 2509.25123, section 4.3"
TWO = (("countdown", 2),)
"""Problems of two operations."""

CLAIMS = (
    Claim("with atoms", "RL on composed strings raises two operations", SOURCE,
          Effect("multi_rl_l12", TWO, "multi", "pass@1"), 0.05, paper=".17 to .35"),
    Claim("single calls", "RL on single string calls does not", SOURCE,
          Effect("multi_rl_l1", TWO, "multi", "pass@1"), 0.05, "below", ".17 to .20"),
    Claim("without atoms", "nothing carries over where operations are not known", SOURCE,
          Effect("string_rl_l12", TWO, "base", "pass@1"), 0.02, "below", "about 0"),
)  # fmt: skip
