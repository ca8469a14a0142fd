"""What the authors of each method claim of it, as far as this model can show it."""

from rlskills.report.arena import Logged, Probe
from rlskills.report.claims import Claim

HARD = (("train", 4), ("held_out", 2))
L3, L4 = Probe("train L3", (("train", 3),)), Probe("train L4", (("train", 4),))
HELD_OUT = Probe("held_out L2", (("held_out", 2),))
KEPT = Probe("common", tuple(("common", level) for level in (1, 2, 3, 4)))
PASS_1, PASS_8 = Probe("pass@1", HARD, 1), Probe("pass@8", HARD, 8)
ENTROPY = Logged("entropy", "train/entropy")
LENGTH = Logged("length", "train/response_length")

CLAIMS = (
    Claim("maxrl", "more is solved in k samples", PASS_8),
    Claim("pass_k", "more is solved in k samples", PASS_8),
    Claim("reinforce", "more is solved in k samples", PASS_8),
    Claim("reinforce-positive-0", "negatives alone keep what k samples solve", PASS_8),
    Claim("reinforce-negative-0", "positives alone lose what k samples solve", PASS_8, -1),
    Claim("rft", "rejection fine-tuning does not reach unseen compositions", HELD_OUT, -1),
    Claim("rft+dco", "limited confidence solves more in k samples", PASS_8, 1, "rft"),
    Claim("dynamic_sampling", "no rollouts are wasted on groups without signal", L3),
    Claim("annealed_temperature", "early exploration solves more in k samples", PASS_8),
    Claim("b_star", "a tuned temperature keeps what k samples solve", PASS_8, 1, "grpo"),
    Claim("hidden_bonus", "unusual states rewarded, more is solved in k samples", PASS_8),
    Claim("entropy_target", "entropy does not collapse", ENTROPY),
    Claim("brevity", "completions are shorter", LENGTH, -1),
    Claim("half_fine_tuning", "less is forgotten", KEPT),
    Claim("step_credit", "dense credit learns what groups fail", L4),
    Claim("hicra", "credit on planning learns more", L3),
    Claim("guide", "help where groups fail learns harder problems", L4),
    Claim("hpt", "demonstrations where groups fail learn harder problems", L4),
    Claim("star", "rationalisation adds to rejection fine-tuning", L3, 1, "rft"),
    Claim("step_dpo", "first wrong steps add to right completions", L3, 1, "rft"),
    Claim("noisy_verifier", "false verdicts cost accuracy", L3, -1),
    Claim("format_reward", "form alone raises accuracy", L3, 1, "base"),
    Claim("random_reward", "a coin as a reward raises accuracy", L3, 1, "base"),
)
