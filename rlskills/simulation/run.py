"""One curriculum in one regime: many seeds of the learner step together, each with its teacher.

Budgets are generated rollouts: those that a gate refuses, that replace these and that screen units
all count. A seed stops some rollouts after it has mastered its world.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from ..curricula import Base, Choice, Curriculum, Outcome, Pool
from ..errors import UserError
from .learner import Learner, Rollouts
from .record import Record, SeedResult
from .references import Oracle
from .regimes import Protocol, Regime
from .trained import TrainedLearner, TrainedRegime, TrainedWorld, make_trained_world
from .world import Integers, World, make_world

Build: TypeAlias = Callable[[Pool, int], Curriculum]
MakeWorld: TypeAlias = Callable[[Regime, int], World]


class Run:
    """All seeds of one curriculum in one regime; `step` until `done`."""

    def __init__(
        self,
        regime: Regime | TrainedRegime,
        protocol: Protocol,
        seeds: Sequence[int],
        build: Build,
        make: MakeWorld = make_world,
        learner: type[Learner] = Learner,
    ) -> None:
        self.protocol = protocol
        self.learner, self.worlds = learner_of(regime, protocol, seeds, make, learner)
        self.index = [{name: i for i, name in enumerate(world.names)} for world in self.worlds]
        self.teachers = [
            build(world.pool, seed) for world, seed in zip(self.worlds, seeds, strict=True)
        ]
        check_needs(self.teachers[0])
        self.gated = not (
            isinstance(self.teachers[0], Base) and type(self.teachers[0]).admit is Base.admit
        )
        self.record = Record(protocol, self.worlds, seeds)
        self.given = np.zeros((len(self.worlds), len(self.worlds[0].names)), dtype=np.int64)
        """Problems given of each unit so far, by seed: the address of the next one."""
        self.steps = 0
        self.look()

    @property
    def done(self) -> bool:
        """No seed has anything left to do."""
        return not self.record.active.any()

    def play(self) -> list[SeedResult]:
        """Step to the end; a result per seed."""
        while not self.done:
            self.step()
        return self.results()

    def results(self) -> list[SeedResult]:
        """What has been measured so far, a result per seed."""
        return self.record.results(
            self.learner.true_rates(self.record.rows, self.learner.learnable)
        )

    def step(self) -> None:
        """One step of all active seeds: draw, roll out, observe, gate, resample, update."""
        rows = np.flatnonzero(self.record.active)
        self.steps += 1
        self._inform_oracles(rows)
        admitted: list[Rollouts] = []
        spent = np.zeros(len(self.worlds), dtype=np.int64)
        wanted = dict.fromkeys(rows.tolist(), self.protocol.groups)
        tries = 0
        while wanted:
            groups, accepted = self._generate(wanted)
            np.add.at(spent, groups.who, groups.sizes)
            admitted.append(groups.take(accepted))
            got = np.bincount(groups.who[accepted], minlength=len(self.worlds))
            tries += 1
            wanted = {
                row: missing - int(got[row])
                for row, missing in wanted.items()
                if missing > got[row] and tries <= self.teachers[row].max_resamples
            }
        self.learner.update(admitted, rows, spent[rows])
        self.record.spend(spent)
        if self.steps % self.protocol.check == 0:
            self.look()

    def look(self) -> None:
        """Record the true success rates."""
        rows = np.flatnonzero(self.record.active)
        self.record.look(rows, self.learner.true_rates(rows, self.learner.learnable))

    def _inform_oracles(self, rows: Integers) -> None:
        if not isinstance(self.teachers[0], Oracle):
            return
        truth = self.learner.true_rates(rows, self.learner.learnable)
        for row, rates in zip(rows, truth, strict=True):
            teacher = self.teachers[row]
            assert isinstance(teacher, Oracle)
            teacher.inform(dict(zip(self.worlds[row].names, rates.tolist(), strict=False)))

    def _generate(self, wanted: Mapping[int, int]) -> tuple[Rollouts, np.ndarray]:
        """Ask every teacher for groups, roll them out, and show it all of them."""
        asked: list[list[Choice]] = []
        for row, count in wanted.items():
            start = time.perf_counter()
            chosen = self.teachers[row].sample(count)
            self.record.thought[row] += time.perf_counter() - start
            asked.append(self._addressed(row, chosen))
        groups = self._roll_out(list(wanted), asked)
        rewards = groups.rewards.tolist()
        accepted = np.ones(len(rewards), dtype=bool)
        first = 0
        for row, choices in zip(wanted, asked, strict=True):
            end = first + len(choices)
            sizes = groups.sizes[first:end].tolist()
            outcomes = [
                Outcome(choice, tuple(group[:size]), self.steps)
                for choice, group, size in zip(choices, rewards[first:end], sizes, strict=True)
            ]
            teacher, start = self.teachers[row], time.perf_counter()
            teacher.observe(outcomes)
            if self.gated:
                accepted[first:end] = [teacher.admit(outcome) for outcome in outcomes]
            self.record.thought[row] += time.perf_counter() - start
            first = end
        self.record.count(groups, self.learner.kinds)
        return groups, accepted

    def _addressed(self, row: int, choices: Sequence[Choice]) -> list[Choice]:
        """Choices with the address of their problem: the next of the unit, unless one is named."""
        addressed = []
        for choice in choices:
            at = self.index[row].get(choice.unit)
            if at is None:
                raise UserError(
                    f"the curriculum chose {choice.unit!r}, which is no unit of its pool"
                )
            if choice.problem is None:
                choice = replace(choice, problem=int(self.given[row, at]))
                self.given[row, at] += 1
            addressed.append(choice)
        return addressed

    def _roll_out(self, rows: Sequence[int], asked: Sequence[Sequence[Choice]]) -> Rollouts:
        usual = self.protocol.group_size
        tasks = [
            self.index[row][choice.unit]
            for row, choices in zip(rows, asked, strict=True)
            for choice in choices
        ]
        problems = [choice.problem for choices in asked for choice in choices]
        sizes = [
            usual if choice.rollouts is None else choice.rollouts
            for choices in asked
            for choice in choices
        ]
        if sizes and min(sizes) < 1:
            raise UserError(f"the curriculum wants a group of {min(sizes)} rollouts")
        who = np.repeat(rows, [len(choices) for choices in asked])
        tasks, problems = np.array(tasks, dtype=np.int64), np.array(problems, dtype=np.int64)
        return self.learner.rollout(who, tasks, np.array(sizes), problems)

    def state_dict(self) -> dict[str, Any]:
        """Everything that a later `load_state_dict` needs to go on as if never stopped."""
        return {
            "steps": self.steps,
            "given": self.given.tolist(),
            "learner": self.learner.state_dict(),
            "record": self.record.state_dict(),
            "teachers": [teacher.state_dict() for teacher in self.teachers],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue a run of the same regime, protocol, seeds and curriculum."""
        self.steps = state["steps"]
        self.given[...] = np.array(state["given"])
        self.learner.load_state_dict(state["learner"])
        self.record.load_state_dict(state["record"])
        for teacher, saved in zip(self.teachers, state["teachers"], strict=True):
            teacher.load_state_dict(saved)


def learner_of(
    regime: Regime | TrainedRegime,
    protocol: Protocol,
    seeds: Sequence[int],
    make: MakeWorld,
    learner: type[Learner],
) -> tuple[Learner | TrainedLearner, Sequence[World | TrainedWorld]]:
    """A learner of the kind that the regime has, and the world of each seed."""
    if isinstance(regime, TrainedRegime):
        trained = [make_trained_world(regime, seed) for seed in seeds]
        return TrainedLearner(regime, protocol, trained, seeds), trained
    worlds = [make(regime, seed) for seed in seeds]
    return learner(regime, protocol, worlds, seeds), worlds


def check_needs(teacher: Curriculum) -> None:
    """Refuse a curriculum that needs what no simulation has."""
    if teacher.needs:
        needs = ", ".join(sorted(teacher.needs))
        raise UserError(f"{teacher.name} needs {needs}, which a simulated learner does not have")
