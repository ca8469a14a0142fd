"""A trusted grader cannot end, copy, move or seed the process that it shares with a trainer."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rlskills.environments import Environment, GraderError, load
from rlskills.environments.guard import undisturbed
from rlskills.errors import UserError

RUDE = '''
import os, random, signal, sys, time
from rlskills.environments import Draft, Environment

class Rude(Environment):
    """A trusted grader that does what its answer says."""

    def make(self, rng, cfg):
        if self.seed == 13:
            sys.exit(0)
        return Draft(f"say {rng.randrange(10**6)}", "right")

    def verify(self, task, answer):
        match answer:
            case "leave": sys.exit()
            case "leave well": raise SystemExit(0)
            case "interrupt": raise KeyboardInterrupt
            case "ctrl-c": os.kill(os.getpid(), signal.SIGINT); time.sleep(5)
            case "fork": os.fork()
            case "move": os.chdir("/"); os.environ["RUDE"] = "1"
            case "seed":
                random.seed(0)
                for name in ("torch", "numpy.random"):
                    module = sys.modules[name]
                    getattr(module, "manual_seed", getattr(module, "seed", None))(0)
        return answer == task.answer
'''


@pytest.fixture
def rude(tmp_path: Path) -> Environment:
    (tmp_path / "rude.py").write_text(RUDE)
    return load(f"{tmp_path / 'rude.py'}:Rude")


def right(env: Environment, *answers: str) -> list[bool]:
    tasks = [env.task("train", 1, index) for index in range(len(answers))]
    scores = env.scores(tasks, [f"<answer>{answer}</answer>" for answer in answers])
    return [score.correct for score in scores]


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        ("leave", "SystemExit"),
        ("leave well", "SystemExit: 0"),
        ("interrupt", "KeyboardInterrupt"),
    ],
)
def test_what_ends_a_process_is_an_error_that_names_task_and_completion(
    rude: Environment, answer: str, raised: str
):
    with pytest.raises(GraderError, match=f"the grader of Rude raised {raised}") as error:
        right(rude, "right", answer)
    assert '"prompt": "say ' in str(error.value)
    assert f"<answer>{answer}</answer>" in str(error.value)


def test_ctrl_c_while_it_grades_is_still_ctrl_c(rude: Environment):
    with pytest.raises(KeyboardInterrupt):
        right(rude, "ctrl-c")

    def stop(*_: object) -> None:
        raise SystemExit(143)

    before = signal.signal(signal.SIGINT, stop)
    try:
        with pytest.raises(SystemExit):
            right(rude, "ctrl-c")
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_copy_that_it_made_does_not_go_on(rude: Environment, tmp_path: Path):
    program = (
        "from rlskills.environments import load\n"
        f"env = load({str(tmp_path / 'rude.py') + ':Rude'!r})\n"
        "tasks = [env.task('train', 1, 0)] * 3\n"
        "texts = [f'<answer>{word}</answer>' for word in ('fork', 'right', 'wrong')]\n"
        "print([score.correct for score in env.scores(tasks, texts)], flush=True)\n"
    )
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=paths
    )
    assert done.stdout == "[False, True, False]\n", done.stderr


def test_folder_variables_and_generators_stay(rude: Environment, tmp_path: Path, monkeypatch):
    import numpy as np
    import torch

    def state() -> tuple[object, ...]:
        numbers = np.random.get_state(legacy=False)["state"]["key"].tolist()
        return random.getstate(), torch.get_rng_state().tolist(), numbers

    monkeypatch.chdir(tmp_path)
    before = state()
    assert right(rude, "move", "seed", "right") == [False, False, True]
    assert state() == before
    assert Path.cwd() == tmp_path
    assert "RUDE" not in os.environ
    with undisturbed():
        os.chdir("/")
    assert Path.cwd() == tmp_path


def test_an_environment_that_ends_the_process_while_it_draws_is_named(rude: Environment):
    with pytest.raises(UserError, match="Rude raised SystemExit: 0 when it drew train 1 0"):
        type(rude)(seed=13).task("train", 1, 0)
