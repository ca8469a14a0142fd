"""Who owns a problem: content decides, so no seed can move a test problem into training.

Hold-outs come first (by skill, by ordered pair of skills, by depth); a hash of the problem's
identity then says train or test for all that is left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from .seeding import digest

SPLITS = ("train", "test", "ood_skill", "ood_pair", "ood_depth")


@dataclass(frozen=True)
class Holdout:
    """What training never composes.

    A held-out skill may still be taught alone, as the paper does ("From f(x) and g(x) to f(g(x))",
    section 3.2: every function is taught by itself, some are never composed): single calls belong
    to train and test, compositions that contain one to `ood_skill`.
    """

    skills: frozenset[str] = frozenset()
    pairs: frozenset[tuple[str, str]] = frozenset()
    depth_above: int | None = None

    def split_of(
        self,
        skills: tuple[str, ...],
        depth: int,
        pairs: Iterable[tuple[str, str]] | None = None,
    ) -> str | None:
        """The `ood_*` split that owns a problem with these skills and this depth, if one does.

        `pairs` are the ordered pairs that are composed; by default, those of a chain of `skills`.
        """
        if depth > 1 and not self.skills.isdisjoint(skills):
            return "ood_skill"
        composed = pairwise(skills) if pairs is None else pairs
        if self.pairs and not self.pairs.isdisjoint(composed):
            return "ood_pair"
        if self.depth_above is not None and depth > self.depth_above:
            return "ood_depth"
        return None

    @property
    def splits(self) -> tuple[str, ...]:
        """All the splits that this hold-out makes possible, train and test included."""
        used = (True, True, bool(self.skills), bool(self.pairs), self.depth_above is not None)
        return tuple(name for name, present in zip(SPLITS, used, strict=True) if present)


def hashed_split(key: str, test_percent: int) -> str:
    """`test` for `test_percent` of all keys and `train` for the others; no seed enters."""
    return "test" if int(digest("owner", key), 16) % 100 < test_percent else "train"
