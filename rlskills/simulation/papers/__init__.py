"""Papers' own small experiments, with our methods: which of their claims come out here."""

from collections.abc import Callable, Sequence

from ...errors import UnknownName
from . import alp_gmm, gates, ladder, self_improvement, skill_it, stat
from .claim import Claim, Measure

CLAIMS: dict[str, Callable[..., Claim]] = {
    "alp_gmm": alp_gmm.toy_space,
    "alp_gmm_useless": alp_gmm.useless_directions,
    "skill_it": skill_it.claim,
    "stat": stat.claim,
    "self_improvement": self_improvement.claim,
    "ladder": ladder.claim,
    "vcrl": gates.vcrl,
    "band": gates.band,
    "instance_filter": gates.instance_filter,
}
"""From seeds, and a length of the run where it is not to be the usual one, to a claim's result."""


def find_claims(names: Sequence[str]) -> list[str]:
    """Names of claims; none: all."""
    for name in names:
        if name not in CLAIMS:
            raise UnknownName("claim", name, CLAIMS)
    return list(dict.fromkeys(names)) or list(CLAIMS)


__all__ = ["CLAIMS", "Claim", "Measure", "find_claims"]
