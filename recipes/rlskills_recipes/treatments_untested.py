"""What the authors of methods claim and the study of treatments cannot judge, each with the reason.

Methods of the catalogue, and what is a setting of an arm in place of a treatment.
"""

from rlskills.experiments import Claim

ONCE = "each round is trained on once, so that all ratios to the policy that sampled it are 1"
REWARDS = "all of its arms learn from rewards; this is about demonstrations"


def _left(method: str, paper: str, text: str, why: str) -> Claim:
    return Claim(method, text, f"arXiv {paper}", untestable=why)


UNTESTED = (
    _left("grpo", "2402.03300", "groups of samples take the place of a value model, for less "
          "memory", "it is what the others are measured against, and none of them has a value "
          "model"),
    _left("dpo", "2305.18290", "preferences alone do as well as RL on a learned reward, with less "
          "machinery", "rewards are exact, so none is learned, and a difference that may be chance "
          "does not show that two methods are alike"),
    _left("overlong", "2503.14476", "a penalty that rises to the limit makes training on long "
          "chains steadier", "completions of 35 tokens come nowhere near their limit"),
    _left("effort", "2510.27042", "a stated effort shortens reasoning two- or threefold at no loss",
          "the model reads nothing that is said beside a problem"),
    _left("distillation", "2306.13649", "a better model that grades every token takes a tenth of "
          "RL's steps", "the only teachers with the same tokens are its equals"),
    _left("self_distillation", "2601.19897", "a model shown demonstrations teaches itself, and "
          "forgets less than by training on them", "the model cannot use help that stands in its "
          "prompt"),
    _left("semantic_entropy", "2509.03646", "variety of plans, and not of tokens, says who will "
          "still improve", "it changes nothing in training: this is about many models, not between "
          "two arms"),
    _left("loss grpo, ratios of sequences (GSPO)", "2507.18071", "ratios of whole completions keep "
          "long runs stable where those of tokens break down", ONCE),
    _left("loss cispo", "2506.13585", "bounded weights in place of clipped updates keep rare, "
          "deciding tokens in the gradient, and halve the steps", ONCE),
    _left("loss sapo", "2511.20347", "a soft gate where others clip learns stably for longer",
          ONCE),
    _left("loss dr_grpo", "2503.20783", "without division by lengths wrong answers do not grow "
          "ever longer", "completions of a problem are of nearly one length, which its steps set"),
    _left("half_fine_tuning in SFT", "2404.18466", "over tasks in sequence, half of the parameters "
          "learn as much as all and forget half as much", REWARDS),
    _left("dco in SFT", "2502.07154", "where confidence is limited, more epochs do not cost what "
          "many samples solve", f"{REWARDS}, over several epochs"),
    _left("label noise in SFT", "2408.14774", "a fifth of careless answers undoes what good ones "
          "teach", REWARDS),
)  # fmt: skip
