"""What the authors of methods claim and the study of treatments cannot judge, each with the reason.

Methods of the catalogue, and what is a setting of an arm in place of a treatment.
"""

from rlskills.report.claims import Untested

ONCE = "each round is trained on once, so that all ratios to the policy that sampled it are 1"
REWARDS = "all of its arms learn from rewards; this is about demonstrations"

UNTESTED = (
    Untested("grpo", "groups of samples take the place of a value model, for less memory",
             "it is what the others are measured against, and none of them has a value model"),
    Untested("dpo", "preferences alone do as well as RL on a learned reward, with less machinery",
             "rewards are exact, so none is learned, and a difference that may be chance does not "
             "show that two methods are alike"),
    Untested("overlong", "a penalty that rises to the limit makes training on long chains steadier",
             "completions of 35 tokens come nowhere near their limit"),
    Untested("effort", "a stated effort shortens reasoning two- or threefold at no loss",
             "the model reads nothing that is said beside a problem"),
    Untested("distillation", "a better model that grades every token takes a tenth of RL's steps",
             "the only teachers with the same tokens are its equals"),
    Untested("self_distillation", "a model shown demonstrations teaches itself, and forgets less "
             "than by training on them", "the model cannot use help that stands in its prompt"),
    Untested("semantic_entropy", "variety of plans, and not of tokens, says who will still improve",
             "it changes nothing in training: this is about many models, not between two arms"),
    Untested("step_reward", "rewards for right steps beside the answer's raise what RL gains",
             "it is not among the arms; step_credit is, which knows the same steps by token"),
    Untested("loss grpo, ratios of sequences (GSPO)", "ratios of whole completions keep long runs "
             "stable where those of tokens break down", ONCE),
    Untested("loss cispo", "bounded weights in place of clipped updates keep rare, deciding tokens "
             "in the gradient, and halve the steps", ONCE),
    Untested("loss sapo", "a soft gate where others clip learns stably for longer", ONCE),
    Untested("loss dr_grpo", "without division by lengths wrong answers do not grow ever longer",
             "completions of a problem are of nearly one length, which its steps set"),
    Untested("half_fine_tuning in SFT", "over tasks in sequence, half of the parameters learn as "
             "much as all and forget half as much", REWARDS),
    Untested("dco in SFT", "where confidence is limited, more epochs do not cost what many samples "
             "solve", f"{REWARDS}, over several epochs"),
    Untested("label noise in SFT", "a fifth of careless answers undoes what good ones teach",
             REWARDS),
)  # fmt: skip
