"""What each split may own, and how to draw that directly where chance would seldom find it."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

from rlskills.environments import Holdout

from .config import Config, held_out_pairs
from .presets import PRESETS
from .sampler import NOWHERE, Placed, Sampler


def held_out(cfg: Config) -> Holdout:
    """What training never composes of what `cfg.functions` can compose."""
    if cfg.mode == "copy":  # copying an expression composes nothing
        return Holdout()
    sets = PRESETS[cfg.preset].sets(cfg.common)
    active, skills = set(sets[cfg.functions]), frozenset(sets["held_out"])
    pairs = (pair for pair in held_out_pairs(cfg) if active - skills >= set(pair))
    return Holdout(
        skills=frozenset() if skills.isdisjoint(active) else skills,
        pairs=frozenset(pairs),
        depth_above=cfg.holdout_depth_above or None,
    )


def can_own(cfg: Config, holdout: Holdout, split: str) -> bool:
    """Whether there is anything under `cfg` that this split may own; False is a proof."""
    composed = cfg.depth > 1 and cfg.mode == "solve"
    only_held_out = composed and cfg.functions == "held_out"
    too_deep = holdout.depth_above is not None and cfg.depth > holdout.depth_above
    match split:
        case "ood_skill":
            return composed and bool(holdout.skills)
        case "ood_pair":
            return composed and bool(holdout.pairs)
        case "ood_depth":
            return too_deep and not only_held_out
        case _:
            return not (too_deep or only_held_out)


def sampler_for(cfg: Config, holdout: Holdout, split: str) -> Sampler:
    """A sampler that draws nothing which an `ood_*` split other than this one would own."""
    if cfg.depth == 1 or cfg.mode == "copy" or split == "ood_skill":
        return plain_sampler(cfg)
    banned = frozenset() if split == "ood_pair" else holdout.pairs
    return _sampler(
        cfg.preset, cfg.functions, cfg.common, cfg.binary_prob, True, banned, cfg.balance,
        cfg.longest,
    )  # fmt: skip


def plain_sampler(cfg: Config, without_held_out: bool = False) -> Sampler:
    """A sampler over `cfg.functions`, with no regard to pairs."""
    return _sampler(
        cfg.preset, cfg.functions, cfg.common, cfg.binary_prob, without_held_out,
        frozenset(), cfg.balance, cfg.longest,
    )  # fmt: skip


def place(
    rng: random.Random, cfg: Config, holdout: Holdout, split: str, sampler: Sampler
) -> Placed:
    """What must stand where: that which makes the split own a program, or a function in turn."""
    if split == "ood_pair":
        f, g = rng.choice(sorted(holdout.pairs))
        height = rng.randrange(1, cfg.depth)
        return {height: f, height + 1: g}
    if split == "ood_skill":
        held = [name for name in sampler.active if name in holdout.skills]
        return {rng.randrange(cfg.depth) + 1: rng.choice(held)}
    if cfg.balance:
        # Some functions make programs that are seldom kept: their turn comes all the same.
        return {rng.randrange(cfg.depth) + 1: rng.choice(sampler.active)}
    return NOWHERE


@cache
def _sampler(
    preset: str,
    functions: str,
    common: int,
    binary_prob: float,
    without_held_out: bool,
    banned: frozenset[tuple[str, str]],
    balance: bool,
    longest: int,
) -> Sampler:
    chosen = PRESETS[preset]
    if longest:
        chosen = replace(chosen, input_length=(chosen.input_length[0], longest))
    sets = chosen.sets(common)
    left_out = sets["held_out"] if without_held_out else ()
    active = [name for name in sets[functions] if name not in left_out]
    share = chosen.binary_prob if binary_prob == -1 else binary_prob
    return Sampler(chosen, active, share, banned, balance)
