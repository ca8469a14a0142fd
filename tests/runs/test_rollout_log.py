from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rlskills.errors import UserError
from rlskills.runs.rollout_log import FILE, SMALLEST, RolloutLog, read_rollouts


def rollout(step: int, group: int, text: str = "yes") -> dict[str, Any]:
    return {"group": group, "prompt": f"say yes, {step}", "completion": text, "reward": 1.0}


def fill(log: RolloutLog, steps: Iterable[int], letters: int = 100, limit: int = 0) -> None:
    """Two groups of two rollouts per step; texts differ in length as those of a model do."""
    for step in steps:
        text = "x" * (letters + 37 * (step % 5))
        log.log(step, [rollout(step, group, text) for group in (0, 0, 1, 1)])
        assert not limit or log.path.stat().st_size <= limit


def steps(folder: Path) -> list[int]:
    return list(dict.fromkeys(one["step"] for one in read_rollouts(folder)))


def test_rollouts_come_back_as_they_were(tmp_path: Path):
    hostile = '\x00\x1b[31m\udc80\ud800 \u2028 é 漢 "\\\n'
    row = {"env": "e", "skills": ("f", "g"), "parts": {"answer": 0.5}, "completion": hostile}
    log = RolloutLog(tmp_path)
    log.log(1, [row, {"reward": float("nan"), "kept": False}])
    first, second = read_rollouts(tmp_path)
    assert first == {"step": 1, **row, "skills": ["f", "g"]}
    assert second == {"step": 1, "reward": None, "kept": False}
    for line in (tmp_path / FILE).read_bytes().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_every_nth_step_is_logged(tmp_path: Path):
    fill(RolloutLog(tmp_path, every=3), range(1, 11))
    assert steps(tmp_path) == [3, 6, 9]
    none = tmp_path / "none"
    none.mkdir()
    fill(RolloutLog(none, every=0), range(1, 4))
    assert list(none.iterdir()) == []
    assert steps(none) == []


def test_the_file_never_exceeds_its_bound_and_thins_the_oldest_first(tmp_path: Path):
    bound = 20_000
    log = RolloutLog(tmp_path, max_bytes=bound)
    fill(log, range(1, 30), limit=bound)
    kept = steps(tmp_path)
    assert set(range(2, 30, 2)) <= set(kept), "even steps go after odd ones"
    odd = [step for step in kept if step % 2]
    assert 0 < len(odd) < 15
    assert odd == list(range(odd[0], 30, 2)), "of the odd ones the oldest are gone"
    fill(log, range(30, 400), limit=bound)
    kept = steps(tmp_path)
    assert len(kept) > 5
    gaps = {b - a for a, b in pairwise(kept)}
    assert max(gaps) <= 2 * min(gaps), f"what is left is spread evenly: {kept}"
    assert log.path.stat().st_size > bound / 4


@pytest.mark.parametrize("killed", [37, 120, 121, 199])
@pytest.mark.parametrize("checkpoint", [0, 20, 36])
def test_a_killed_and_resumed_run_ends_with_the_same_bytes(
    tmp_path: Path, killed: int, checkpoint: int
):
    bound = 20_000
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    fill(RolloutLog(tmp_path / "whole", max_bytes=bound), range(1, 200))
    fill(RolloutLog(tmp_path / "killed", max_bytes=bound), range(1, killed))
    with (tmp_path / "killed" / FILE).open("a") as file:
        file.write('{"step": 9')
    again = RolloutLog(tmp_path / "killed", max_bytes=bound, last_step=checkpoint)
    assert all(step <= checkpoint for step in steps(tmp_path / "killed"))
    fill(again, range(checkpoint + 1, 200), limit=bound)
    assert (tmp_path / "killed" / FILE).read_bytes() == (tmp_path / "whole" / FILE).read_bytes()


def test_a_new_run_forgets_an_old_log(tmp_path: Path):
    fill(RolloutLog(tmp_path, max_bytes=8_000), range(1, 50))
    log = RolloutLog(tmp_path, max_bytes=8_000)
    assert steps(tmp_path) == []
    fill(log, [1])
    assert steps(tmp_path) == [1]


def test_several_rounds_of_a_step_stand_together(tmp_path: Path):
    log = RolloutLog(tmp_path, max_bytes=SMALLEST)
    for step in range(1, 40):
        for number in range(3):
            log.log(step, [rollout(step, 0) | {"round": number}])
            assert log.path.stat().st_size <= SMALLEST
    rounds = [(one["step"], one["round"]) for one in read_rollouts(tmp_path)]
    assert rounds == [(step, number) for step in steps(tmp_path) for number in range(3)]


def test_a_round_larger_than_its_share_is_cut_between_groups(tmp_path: Path):
    log = RolloutLog(tmp_path, max_bytes=8_000)
    log.log(1, [rollout(1, group, "x" * 200) for group in range(9) for _ in range(2)])
    groups = [one["group"] for one in read_rollouts(tmp_path)]
    assert groups == [0, 0, 1, 1, 2, 2]
    log.log(2, [rollout(2, 0, "x" * 9_000)])
    assert steps(tmp_path) == [1]


def test_a_torn_last_line_is_passed_over_and_a_damaged_one_is_named(tmp_path: Path):
    fill(RolloutLog(tmp_path), [1, 2])
    path = tmp_path / FILE
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert len(list(read_rollouts(tmp_path))) == 7
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"{torn\n", *lines[4:]]))
    with pytest.raises(UserError, match="line 4 of"):
        list(read_rollouts(tmp_path))


@pytest.mark.parametrize(
    ("harm", "kept"),
    [
        (lambda lines: [*lines[:7], b"garbage\n", *lines[8:]], 1),
        (lambda lines: [b"[]\n", *lines[1:]], 0),
        (lambda lines: [b'{"rollout_log": 1, "every": 1, "dropped": ["a"]}\n', *lines[1:]], 0),
        (lambda lines: lines[:5], 1),
        (lambda lines: [], 0),
        (lambda lines: [*lines[:5], b'{"step": "2"}\n', *lines[6:]], 1),
    ],
)
def test_what_a_resume_does_not_find_is_said(tmp_path: Path, harm: Any, kept: int):
    fill(RolloutLog(tmp_path), range(1, 6))
    lines = (tmp_path / FILE).read_bytes().splitlines(keepends=True)
    (tmp_path / FILE).write_bytes(b"".join(harm(lines)))
    log = RolloutLog(tmp_path, last_step=4)
    assert log.lost
    assert log.lost.endswith("and had some to 4")
    fill(log, [5])
    assert steps(tmp_path)[-1] == 5
    assert kept in steps(tmp_path) or not kept


@pytest.mark.parametrize("last_step", [1, 20, 37, 60])
def test_a_whole_log_has_lost_nothing(tmp_path: Path, last_step: int):
    fill(RolloutLog(tmp_path, max_bytes=20_000), range(1, 61))
    assert RolloutLog(tmp_path, max_bytes=20_000, last_step=last_step).lost is None


@pytest.mark.parametrize(("every", "bound"), [(-1, 10_000), (1, 10), (1, -1)])
def test_settings_that_make_no_log_are_refused(tmp_path: Path, every: int, bound: int):
    with pytest.raises(UserError, match="rollout log"):
        RolloutLog(tmp_path, every=every, max_bytes=bound)
