"""Graders that are not trusted: what hangs or dies fails alone, and is neither right nor wrong."""

from __future__ import annotations

import gc
import math
import os
import signal
import time
from pathlib import Path

import pytest

from rlskills.environments import Environment, GraderError, load, score_batch
from rlskills.environments.isolation.workers import workers_of
from rlskills.errors import UserError

WILD = '''
import os, random, time
from rlskills.environments import Draft, Environment

class Wild(Environment):
    """A grader that does what its answer says."""
    trusted_grader = False
    grading_seconds = 0.5
    grading_workers = 2
    grading_memory_mb = 200

    def make(self, rng, cfg):
        return Draft(f"say {rng.randrange(10**6)}", "right")

    def verify(self, task, answer):
        print("graders may print")
        match answer:
            case "hang": time.sleep(60)
            case "compute": 9**9**9
            case "die": os._exit(3)
            case "raise": raise ValueError("no such answer")
            case "fork": os.fork()
            case "leave": raise SystemExit(0)
            case "interrupt": raise KeyboardInterrupt
            case "deaf": os.closerange(3, 200)
            case "full": bytearray(10**9)
            case "move":
                os.chdir("/"); os.environ.clear(); random.seed(1)
                return False
            case "where": return os.getcwd() != "/" and bool(os.environ)
            case "garble":
                for number in range(3, 30):
                    try: os.write(number, b'["score", 0, 1]\\n{')
                    except OSError: pass
            case "child":
                pid = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "60")
                open(__file__ + ".pid", "w").write(str(pid))
                time.sleep(60)
        return answer == task.answer
'''


@pytest.fixture
def wild(tmp_path: Path):
    file = tmp_path / "wild.py"
    file.write_text(WILD)
    env = load(f"{file}:Wild", reward="answer:2,malformed:-1")
    yield env
    workers_of(env).close()


def grades(env: Environment, *answers: str):
    tasks = [env.task("train", 1, index) for index in range(len(answers))]
    return env.scores(tasks, [f"<answer>{answer}</answer>" for answer in answers])


def test_workers_grade_like_this_process(wild: Environment):
    scores = grades(wild, *["right", "wrong"] * 30)
    assert [score.correct for score in scores] == [True, False] * 30
    assert {score.reward for score in scores} == {0.0, 2.0}
    task = wild.task("train", 1, 0)
    cut, unparsed = wild.scores([task] * 2, ["<answer>right</answer>", "right"], [True, False])
    assert (cut.status, unparsed.status) == ("truncated", "unparsed")
    assert cut.reward == unparsed.reward == -1
    assert wild.score(task, "<answer>right</answer>").correct
    type(wild).trusted_grader = True
    assert [score.correct for score in grades(wild, "right", "wrong")] == [True, False]


@pytest.mark.parametrize(
    ("fault", "status", "note"),
    [
        ("hang", "grader_timeout", "took over 0.5 s"),
        ("compute", "grader_timeout", "took over 0.5 s"),
        ("die", "grader_error", "status 3"),
        ("raise", "grader_error", "no such answer"),
        ("leave", "grader_error", "raised SystemExit: 0"),
        ("interrupt", "grader_error", "raised KeyboardInterrupt"),
        ("deaf", "grader_error", "cut off its worker"),
        ("full", "grader_error", "raised MemoryError"),
        ("garble", "grader_error", "wrote to its worker's pipe"),
    ],
)
def test_a_failure_is_its_own_only(wild: Environment, fault: str, status: str, note: str):
    answers = ["right"] * 20
    answers[3] = answers[4] = fault
    scores = grades(wild, *answers)
    assert [place for place, score in enumerate(scores) if not score.correct] == [3, 4]
    for failed in scores[3:5]:
        assert failed.failed
        assert (failed.status, failed.parsed, failed.correct) == (status, None, False)
        assert note in failed.note
        assert math.isnan(failed.reward)
    assert not any(score.failed for score in scores[5:])


def test_a_fork_changes_no_score(wild: Environment):
    answers = ["fork", "right", "wrong"] * 6
    assert [score.correct for score in grades(wild, *answers)] == [
        answer == "right" for answer in answers
    ]


def test_a_call_finds_its_surroundings_as_the_first_one_did(wild: Environment):
    scores = grades(wild, *["move", "where"] * 6)
    assert [score.correct for score in scores] == [False, True] * 6


def test_a_worker_that_ended_between_batches_is_replaced(wild: Environment):
    grades(wild, "right")
    (worker,) = workers_of(wild).alive
    os.killpg(worker.child.pid, signal.SIGKILL)
    worker.child.wait()
    assert [score.correct for score in grades(wild, "right", "wrong")] == [True, False]


def test_the_clock_starts_when_grading_starts(wild: Environment):
    # Behind a queue that takes longer than the limit, quick answers are still graded.
    scores = grades(wild, *["hang"] * 3, *["right"] * 5)
    assert [score.status for score in scores] == ["grader_timeout"] * 3 + ["ok"] * 5


def test_what_a_grader_started_ends_with_it(wild: Environment, tmp_path: Path):
    (score,) = grades(wild, "child")
    assert score.status == "grader_timeout"
    (file,) = tmp_path.glob("*.pid")
    state = Path("/proc", file.read_text(), "stat")
    for _ in range(100):  # it is killed, but someone else may have to reap it
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the grader's child lives on")


def test_workers_stay_for_the_next_batch_and_end_with_their_environment(wild: Environment):
    grades(wild, "right")
    (worker,) = workers_of(wild).alive
    grades(wild, "right")
    assert [one.child.pid for one in workers_of(wild).alive] == [worker.child.pid]
    own = type(wild)()
    grades(own, "right")
    (worker,) = workers_of(own).alive
    del own
    gc.collect()
    assert worker.child.poll() is not None


def test_an_interrupt_leaves_nothing_behind(wild: Environment):
    grades(wild, "right")
    before = [worker.child for worker in workers_of(wild).alive]

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            grades(wild, "hang")
    finally:
        signal.signal(signal.SIGALRM, old)
    assert all(child.poll() is not None for child in before)
    assert [score.correct for score in grades(wild, "right")] == [True]


def test_a_worker_whose_owner_is_gone_ends(wild: Environment):
    grades(wild, "right")
    (worker,) = workers_of(wild).alive
    assert worker.child.stdin is not None
    worker.child.stdin.close()
    assert worker.child.wait(5) == 0


def test_an_environment_that_workers_cannot_load_is_one_error(wild: Environment):
    class Hidden(type(wild)):  # a class in a function cannot be found by name
        pass

    env = Hidden()
    with pytest.raises(GraderError, match="cannot load the environment"):
        grades(env, "right")
    assert workers_of(env).alive == []


def test_batches_of_several_environments_keep_their_order(wild: Environment):
    other = type(wild)(seed=1)
    calls = []
    for index in range(6):
        env = (wild, other)[index % 2]
        answer = "right" if index < 3 else "wrong"
        calls.append((env, env.task("test", 1, index), f"<answer>{answer}</answer>", False))
    assert [score.correct for score in score_batch(calls)] == [True] * 3 + [False] * 3
    assert score_batch([]) == []
    workers_of(other).close()


def test_lengths_that_differ_are_refused(wild: Environment):
    with pytest.raises(UserError, match="1 tasks, 2 completions"):
        wild.scores([wild.task("train", 1, 0)], ["a", "b"])


def test_a_fork_leaves_the_workers_of_its_parent_alone(wild: Environment):
    from rlskills.environments.isolation.workers import _close

    grades(wild, "right")
    workers = workers_of(wild)
    _close(workers, os.getpid() + 1)
    assert workers.alive[0].child.poll() is None


def test_many_calls_are_graded_in_chunks(wild: Environment):
    answers = ["right", "wrong", "right"] * 200
    scores = grades(wild, *answers)
    assert [score.correct for score in scores] == [answer == "right" for answer in answers]
