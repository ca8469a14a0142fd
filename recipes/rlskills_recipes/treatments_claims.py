"""What the authors of each method claim of it, as far as this model can show it."""

from typing import Literal

from rlskills.experiments import Claim, Effect
from rlskills.report.arena import Logged, Probe

HARD = (("train", 4), ("held_out", 2))
L3, L4 = Probe("train L3", (("train", 3),)), Probe("train L4", (("train", 4),))
HELD_OUT = Probe("held_out L2", (("held_out", 2),))
KEPT = Probe("common", tuple(("common", level) for level in (1, 2, 3, 4)))
PASS_1, PASS_8 = Probe("pass@1", HARD, 1), Probe("pass@8", HARD, 8)
ENTROPY = Logged("entropy", "train/entropy")
LENGTH = Logged("length", "train/response_length")


def _said(arm: str, paper: str, text: str, probe: Probe | Logged, sign: Literal[1, -1] = 1,
          against: str = "grpo") -> Claim:  # fmt: skip
    """That an arm has more at a probe, or less, by any amount."""
    at, measure = (), f"logged: {getattr(probe, 'tag', '')}"
    if isinstance(probe, Probe):
        at, measure = probe.addresses, f"pass@{probe.k}" if probe.k else "greedy"
    return Claim(arm, text, f"arXiv {paper}", Effect(arm, at, against, measure, sign))


CLAIMS = (
    _said("maxrl", "2602.02710", "more is solved in k samples", PASS_8),
    _said("pass_k", "2505.15201", "more is solved in k samples", PASS_8),
    _said("reinforce", "2506.01347", "more is solved in k samples", PASS_8),
    _said(
        "reinforce-positive-0", "2506.01347", "negatives alone keep what k samples solve", PASS_8
    ),
    _said(
        "reinforce-negative-0",
        "2506.01347",
        "positives alone lose what k samples solve",
        PASS_8,
        -1,
    ),
    _said(
        "rft",
        "2509.25123",
        "rejection fine-tuning does not reach unseen compositions",
        HELD_OUT,
        -1,
    ),
    _said("rft+dco", "2502.07154", "limited confidence solves more in k samples", PASS_8, 1, "rft"),
    _said("dynamic_sampling", "2503.14476", "no rollouts are wasted on groups without signal", L3),
    _said(
        "annealed_temperature", "2510.05251", "early exploration solves more in k samples", PASS_8
    ),
    _said("b_star", "2412.17256", "a tuned temperature keeps what k samples solve", PASS_8),
    _said(
        "hidden_bonus", "2510.11686", "unusual states rewarded, more is solved in k samples", PASS_8
    ),
    _said("entropy_target", "2505.22312", "entropy does not collapse", ENTROPY),
    _said("brevity", "2502.04463", "completions are shorter", LENGTH, -1),
    _said("half_fine_tuning", "2404.18466", "less is forgotten", KEPT),
    _said("step_credit", "2402.03300", "dense credit learns what groups fail", L4),
    _said("step_reward", "2503.12937", "rewards for right steps raise what RL gains", L4),
    _said("hicra", "2509.03646", "credit on planning learns more", L3),
    _said("guide", "2506.13923", "help where groups fail learns harder problems", L4),
    _said("hpt", "2509.04419", "demonstrations where groups fail learn harder problems", L4),
    _said("star", "2203.14465", "rationalisation adds to rejection fine-tuning", L3, 1, "rft"),
    _said("step_dpo", "2406.14532", "first wrong steps add to right completions", L3, 1, "rft"),
    _said("noisy_verifier", "2510.00915", "false verdicts cost accuracy", L3, -1),
    _said("format_reward", "2505.19439", "form alone raises accuracy", L3, 1, "base"),
    _said("random_reward", "2506.10947", "a coin as a reward raises accuracy", L3, 1, "base"),
)
