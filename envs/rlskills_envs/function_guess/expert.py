"""The expert: which queries decide a game.

It keeps every composition that agrees with the replies, and asks whatever leaves the fewest
pairs of them that disagree on the answer. Nothing is searched beyond one query ahead.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import product

from .notation import Game, Notation


@lru_cache(maxsize=1 << 15)
def _call(notation: Notation, name: str, x: str) -> str:
    """Queries, and what functions make of them, recur in every game."""
    return notation.functions[name](x)


def calls(notation: Notation, hidden: Sequence[str], x: str) -> list[list[str]]:
    """The calls of a composition on `x`: function, input and output of each, in order."""
    steps = []
    for name in hidden:
        value = _call(notation, name, x)
        steps.append([name, x, value])
        x = value
    return steps


def compositions(game: Game) -> list[tuple[str, ...]]:
    """All that the hidden composition may be, each in the order in which it is applied."""
    return list(product(game.candidates, repeat=game.depth))


def outputs(notation: Notation, game: Game, x: str) -> list[str]:
    """What each of `compositions` makes of `x`."""
    values = [x]
    for _ in range(game.depth):
        values = [_call(notation, name, value) for value in values for name in game.candidates]
    return values


def plan(notation: Notation, game: Game, hidden: tuple[str, ...]) -> list[str] | None:
    """Queries after which all that is still possible agrees on the answer.

    None where the game's queries, or all the probes of the notation, do not suffice.
    """
    answers, truth = outputs(notation, game, game.target), compositions(game).index(hidden)
    shown = {
        probe: [value[: game.reveal] for value in outputs(notation, game, probe)]
        for probe in notation.probes
        if probe != game.target
    }
    possible, asked = list(range(len(answers))), []
    while disputed := _disputed(possible, answers):
        left = {
            probe: sum(_disputed(group, answers) for group in _groups(possible, begins))
            for probe, begins in shown.items()
        }
        best = min(left, key=lambda probe: left[probe])
        if left[best] == disputed or len(asked) == game.queries:
            return None
        asked.append(best)
        possible = [i for i in possible if shown[best][i] == shown[best][truth]]
    return asked


def _groups(possible: Sequence[int], begins: Sequence[str]) -> list[list[int]]:
    """The compositions by what they would make the environment say."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i in possible:
        groups[begins[i]].append(i)
    return list(groups.values())


def _disputed(possible: Sequence[int], answers: Sequence[str]) -> int:
    """Ordered pairs of compositions that disagree on the answer."""
    same = Counter(answers[i] for i in possible)
    return len(possible) ** 2 - sum(count**2 for count in same.values())
