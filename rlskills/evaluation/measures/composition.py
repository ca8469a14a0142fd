"""Whether composing costs more than the atoms explain.

If steps fail independently, a composition is right as often as the product of its atoms says. What
an arm gets beyond its own atoms' product is skill at composing; what it gets by better atoms is
not, however much accuracy at depth it brings.

Sources: Press et al., "Measuring and Narrowing the Compositionality Gap" (arXiv 2210.03350) for the
gap; Wang et al. (arXiv 2602.08281) for the product of atoms. Efficiency, its split by hazards and
matched gaps are ours. Errors of the atoms' rates are in the intervals of `efficiency`, but flatten
the slope of `law`: compare arms measured alike, and atoms on inputs as long as in compositions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from scipy.optimize import minimize
from scipy.special import chdtrc

from ...errors import UserError
from ...stats import Interval
from .counts import RESAMPLES, Counts, Floats, bounds, counts, resampled_means, shares
from .hazards import CAUSES, Hazards

SMALLEST = 1e-12


@dataclass(frozen=True)
class Efficiency:
    """`ratio` is accuracy over the product of atoms; 1 means that all errors are those of atoms."""

    observed: float
    predicted: float
    ratio: Interval
    residual: float
    """Its logarithm; minus infinity where nothing was right."""
    exponent: float
    """As how many times the atoms a composition fails: log observed / log predicted."""


@dataclass(frozen=True)
class Law:
    """Accuracy = exp(offset) x (product of atoms) ^ slope, by maximum likelihood."""

    offset: float
    slope: float
    log_likelihood: float


@dataclass(frozen=True)
class Gap:
    """Accuracy seen minus unseen, where both have compositions of the same predicted accuracy."""

    name: str
    accuracy: Interval
    difference: Interval
    matched: float
    """Share of the unseen problems that have seen ones to compare with."""


def composition_gap(atoms: Floats, composed: Floats, seed: int = 0) -> Interval:
    """Of problems whose parts are all solved alone, the share whose composition is not.

    Both of shape (problems,): the chance that all parts are right (0 or 1 where each was asked
    once, the product of rates where several times) and that the composition is.
    `sum P (1 - comp) / sum P`. With under 8 samples of an atom luck inflates it.
    """
    parts, whole = shares(atoms, "chances of atoms"), shares(composed, "accuracies")
    if parts.shape != whole.shape or not parts.any():
        raise UserError("the gap needs a composition for each problem, and one with solved parts")
    totals = np.stack([parts * (1 - whole), parts], axis=1)
    draws = resampled_means(totals, seed)
    draws = draws[draws[:, 1] > 0]
    gap = float(totals[:, 0].sum() / totals[:, 1].sum())
    return _interval(gap, draws[:, 0] / draws[:, 1])


def predicted(chains: Sequence[Sequence[str]], atoms: Mapping[str, float]) -> Floats:
    """The product of the atoms' rates for each problem, given its skills: shape (problems,)."""
    if missing := {skill for chain in chains for skill in chain} - atoms.keys():
        raise UserError(f"no rate of {', '.join(sorted(missing))} alone")
    products = [prod(atoms[skill] for skill in chain) for chain in chains]
    return np.array(products, dtype=np.float64)


def efficiency(
    composed: Counts, chains: Sequence[Sequence[str]], atoms: Mapping[str, Counts], seed: int = 0
) -> Efficiency:
    """Mean accuracy of compositions over the mean product of the same arm's own atoms.

    `atoms` are the counts of each skill asked alone. The 95% bootstrap draws problems anew and the
    atoms' counts as well. Where nothing was right the upper bound is 3 of as many problems as were
    asked (95%, one-sided) over the product.
    """
    if len(chains) != len(composed):
        raise UserError(f"{len(composed)} problems and the skills of {len(chains)}")
    known = {name: (int(a.n.sum()), int(a.c.sum())) for name, a in atoms.items()}
    product = predicted(chains, {name: c / n for name, (n, c) in known.items()})
    if not product.any():
        raise UserError("an atom of every composition was never right alone: no product to compare")
    seen, said = float(composed.rates.mean()), float(product.mean())
    ratio = seen / said
    if seen == 0:
        found = Interval(0.0, 0.0, 3 / len(composed) / said, "3 of N, one-sided")
    else:
        found = _interval(ratio, _redrawn(composed, chains, known, seed))
    with np.errstate(divide="ignore"):
        logs = float(np.log(seen)), float(np.log(said))
    exponent = logs[0] / logs[1] if logs[1] < 0 else float("nan")
    return Efficiency(seen, said, found, logs[0] - logs[1], exponent)


def law(composed: Counts, product: Floats) -> Law:
    """The law of errors over problems: binomial, log link, offset <= 0 and slope >= 0."""
    logs = np.log(np.maximum(shares(product, "products of atoms"), SMALLEST))

    def loss(x: Floats) -> tuple[float, Floats]:
        log = np.minimum(x[0] + x[1] * logs, -SMALLEST)
        right, wrong = composed.c, composed.n - composed.c
        chance = np.exp(log)
        slope = right - wrong * chance / -np.expm1(log)
        total = right @ log + wrong @ np.log(-np.expm1(log))
        return -float(total), -np.array([slope.sum(), slope @ logs])

    found = minimize(
        loss, np.array([-0.1, 1.0]), method="L-BFGS-B", jac=True, bounds=[(-30, 0), (0, 50)]
    )
    return Law(float(found.x[0]), float(found.x[1]), -float(found.fun))


def same_law(arms: Sequence[tuple[Counts, Floats]]) -> float:
    """The p of one law for all arms, given compositions and products of each: likelihood ratio.

    A small one says that the arms differ by more than their atoms.
    """
    if len(arms) < 2:
        raise UserError("laws are compared between at least two arms")
    pooled = law(
        counts(np.concatenate([c.n for c, _ in arms]), np.concatenate([c.c for c, _ in arms])),
        np.concatenate([product for _, product in arms]),
    )
    ratio = 2 * (sum(law(*arm).log_likelihood for arm in arms) - pooled.log_likelihood)
    return float(chdtrc(2 * (len(arms) - 1), max(0.0, ratio)))


def split(found: Hazards, atoms: Sequence[float]) -> dict[str, float]:
    """Efficiency as a product of two: of binding, and of what context does to atoms.

    `binding` is the chance that no step is misbound or left out. `context` is the chance of no
    slip at bound steps over the product of the atoms alone. Their product is verified accuracy over
    that product. For problems of one length; a claim about composing rests on `binding`.
    """
    table = np.nan_to_num(found.hazards)
    bound = 1 - table[CAUSES.index("binding")] - table[CAUSES.index("stop")]
    alone = float(np.prod(shares(atoms, "rates of atoms")))
    if len(atoms) != len(bound) or alone == 0:
        raise UserError(f"a split needs a rate above 0 for each of {len(bound)} steps")
    slips = table[CAUSES.index("slip")]
    sound = 1 - np.divide(slips, bound, out=np.zeros_like(bound), where=bound > 0)
    binding, context = float(bound.prod()), float(sound.prod()) / alone
    return {"binding": binding, "context": context, "efficiency": binding * context}


def horizon(rate: float, success: float = 0.5) -> float:
    """Steps that a constant rate of success per step survives with chance `success`."""
    if not (0 < rate < 1 and 0 < success < 1):
        raise UserError("a horizon needs a rate and a success between 0 and 1")
    return float(np.log(success) / np.log(rate))


def gap_table(
    seen: tuple[Floats, Floats],
    ladder: Mapping[str, tuple[Floats, Floats]],
    bins: int = 4,
    seed: int = 0,
) -> list[Gap]:
    """A row for each rung of novelty (new pair, new function, one deeper, ...) against `seen`.

    Each is (accuracies, products of atoms) of its problems. Within `bins` of equal numbers of the
    rung's problems by product, accuracies are compared and the bins averaged; bins without seen
    problems are left out and lower `matched`. 95% bootstraps over the problems of both.
    """
    rows = []
    for name, (rates, product) in ladder.items():
        edges = np.quantile(product, np.linspace(0, 1, bins + 1)[1:-1])
        inside = (seen[1] >= product.min()) & (seen[1] <= product.max())
        ours = _binned(rates, product, edges)
        theirs = _binned(seen[0], seen[1], edges) * inside[:, None, None]
        difference, matched = _matched(ours.mean(axis=0)[None], theirs.mean(axis=0)[None])
        draws, _ = _matched(resampled_means(ours, seed), resampled_means(theirs, seed + 1))
        accuracy = _interval(float(rates.mean()), resampled_means(rates, seed))
        found = draws[np.isfinite(draws)]
        gap = Interval(float("nan"), float("-inf"), float("inf"), "nothing to match with")
        if np.isfinite(difference[0]):
            gap = _interval(float(difference[0]), found)
        rows.append(Gap(name, accuracy, gap, float(matched[0])))
    return rows


def _binned(rates: Floats, product: Floats, edges: Floats) -> Floats:
    """Membership and accuracy of each problem by bin: shape (problems, 2, bins)."""
    inside = np.searchsorted(edges, product, side="right")[:, None] == np.arange(len(edges) + 1)
    return np.stack([inside, inside * rates[:, None]], axis=1).astype(np.float64)


def _matched(ours: Floats, theirs: Floats) -> tuple[Floats, Floats]:
    """Mean difference over bins that both have, and their share of ours; (resamples, 2, bins)."""
    both = (ours[:, 0] > 0) & (theirs[:, 0] > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = theirs[:, 1] / theirs[:, 0] - ours[:, 1] / ours[:, 0]
        weight = np.where(both, ours[:, 0], 0.0)
        return np.where(both, apart * weight, 0).sum(axis=1) / weight.sum(axis=1), (
            weight.sum(axis=1) / ours[:, 0].sum(axis=1)
        )


def _redrawn(
    composed: Counts,
    chains: Sequence[Sequence[str]],
    atoms: Mapping[str, tuple[int, int]],
    seed: int,
) -> Floats:
    """Ratios with problems and atoms' counts drawn anew, shape (resamples,)."""
    names, generator = list(atoms), np.random.default_rng(seed)
    uses = np.array([[chain.count(name) for name in names] for chain in map(list, chains)])
    n, c = np.array([atoms[name] for name in names]).T
    many = RESAMPLES // 4
    logs = np.log(np.maximum(generator.binomial(n, c / n, size=(many, len(n))) / n, SMALLEST))
    size = len(composed)
    times = generator.multinomial(size, np.full(size, 1 / size), size=many)
    products = np.exp(logs @ uses.T)
    return (times @ composed.rates) / np.maximum((times * products).sum(axis=1), SMALLEST)


def _interval(value: float, draws: Floats) -> Interval:
    low, high = (float(each) for each in bounds(draws))
    return Interval(value, min(low, value), max(high, value), "bootstrap over problems")
