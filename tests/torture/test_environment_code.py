"""The code of an environment can do no harm to the process that asks it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rlskills.environments import Environment, load
from rlskills.environments.isolation.workers import workers_of

from .command import hearing
from .copy_letters import PATHS

pytestmark = pytest.mark.torture

WILD = '''
import ctypes, numpy, os, random, signal, subprocess, sys, threading, time
from rlskills.environments import Draft, Environment

FOLDER = os.path.dirname(__file__)


def left_behind(*words):
    """A process that does not end by itself; its number is in a file."""
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    open(os.path.join(FOLDER, f"{child.pid}.pid"), "w").close()


class Wild(Environment):
    """A grader that does what the completion says."""

    trusted_grader = False
    grading_seconds = 3.0
    grading_workers = 2
    grading_memory_mb = 300
    test_percent = 50

    def make(self, rng, cfg):
        return Draft(f"say {rng.randrange(10**6)}", "right")

    def verify(self, task, answer):
        match answer:
            case "forks": os.fork()
            case "forks often":
                for _ in range(4): os.fork()
            case "forks and stays":
                if not os.fork(): time.sleep(10**6)
            case "os._exit": os._exit(7)
            case "os._exit well": os._exit(0)
            case "sys.exit": sys.exit(0)
            case "KeyboardInterrupt": raise KeyboardInterrupt
            case "kills itself": os.kill(os.getpid(), signal.SIGKILL)
            case "crashes": ctypes.string_at(0)
            case "raises": raise RuntimeError("boom [/b]")
            case "returns nonsense": return "yes"
            case "returns nan": return float("nan")
            case "prints": print("x" * 10**5); sys.stderr.write("y" * 10**5)
            case "moves": os.chdir("/")
            case "clears variables": os.environ.clear()
            case "seeds": random.seed(0); numpy.random.seed(0)
            case "closes all": os.closerange(0, 4096)
            case "closes and opens":
                os.closerange(0, 4096)
                for _ in range(64): os.open(os.devnull, os.O_RDWR)
            case "loops":
                while True: pass
            case "holds the interpreter": 9**9**9
            case "sleeps": time.sleep(10**6)
            case "takes memory": bytearray(10**10)
            case "takes memory bit by bit":
                kept = []
                while True: kept.append(bytearray(10**6))
            case "recurses":
                def down(): return down()
                return down()
            case "sets an alarm": signal.setitimer(signal.ITIMER_REAL, 0.05)
            case "starts a thread": threading.Thread(target=time.sleep, args=(10**6,)).start()
            case "starts a process": left_behind("sleep", "1000000")
            case "starts a daemon": left_behind("setsid", "sleep", "1000000")
            case "garbles":
                for number in range(3, 64):
                    try: os.write(number, b'["score", 0, true, 1.0, {}, "ok", "x", "", []]\\n[')
                    except OSError: pass
            case "kills its keeper": os.kill(os.getppid(), signal.SIGKILL)
            case "stops itself": os.kill(os.getpid(), signal.SIGSTOP)
        return answer == task.answer
'''
HARMLESS = (
    "forks", "forks often", "forks and stays", "prints", "moves", "clears variables", "seeds",
    "sets an alarm", "starts a thread", "starts a process", "starts a daemon",
)  # fmt: skip
"""What an answer may do and still be graded."""
HARMFUL = (
    "os._exit", "os._exit well", "sys.exit", "KeyboardInterrupt", "kills itself", "crashes",
    "raises", "returns nonsense", "returns nan", "closes all", "closes and opens", "loops",
    "holds the interpreter", "sleeps", "takes memory", "takes memory bit by bit", "recurses",
    "garbles", "kills its keeper", "stops itself",
)  # fmt: skip
"""What makes its own grading fail."""


@pytest.fixture
def wild(tmp_path: Path):
    (tmp_path / "wild.py").write_text(WILD)
    env = load(f"{tmp_path / 'wild.py'}:Wild")
    yield env
    workers_of(env).close()


def graded(env: Environment, answers: list[str]) -> list[str]:
    """`right`, `wrong`, or why it failed."""
    tasks = [env.task("train", 1, index) for index in range(len(answers))]
    scores = env.scores(tasks, [f"<answer>{answer}</answer>" for answer in answers])
    return [s.note if s.failed else "right" if s.correct else "wrong" for s in scores]


def mixed(answer: str) -> list[str]:
    return [answer, "right", "other", "right", answer, "other", "right", "other"]


@pytest.mark.parametrize("answer", HARMLESS)
def test_an_untrusted_grader_that_changes_no_other_score(wild: Environment, answer: str):
    for _ in range(3):
        found = graded(wild, mixed(answer))
        assert found == ["wrong" if each != "right" else "right" for each in mixed(answer)]


@pytest.mark.parametrize("answer", HARMFUL)
def test_an_untrusted_grader_that_fails_alone(wild: Environment, answer: str):
    found = graded(wild, mixed(answer))
    for each, outcome in zip(mixed(answer), found, strict=True):
        if each != answer:
            assert outcome == ("right" if each == "right" else "wrong"), found
        elif answer == "kills its keeper":
            assert "ended its process" in outcome or outcome == "wrong"
        else:
            assert outcome.startswith("the grader "), found


def test_all_of_it_at_once(wild: Environment):
    answers = [word for answer in (*HARMLESS, *HARMFUL) for word in (answer, "right", "other")]
    found = graded(wild, answers)
    assert {found[i] for i, answer in enumerate(answers) if answer == "right"} == {"right"}
    assert {found[i] for i, answer in enumerate(answers) if answer == "other"} == {"wrong"}


OWNER = """
import sys
from rlskills.environments import load
env = load(sys.argv[1])
tasks = [env.task("train", 1, index) for index in range(2)]
env.scores(tasks, ["<answer>starts a daemon</answer>", "<answer>right</answer>"])
env.grading_seconds = 1e6
from rlskills.environments.isolation.workers import workers_of
workers_of(env).seconds = 1e6
print("ready", flush=True)
env.scores(tasks, [f"<answer>{sys.argv[2]}</answer>"] * 2)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("answer", ["sleeps", "loops", "holds the interpreter", "stops itself"])
def test_workers_end_with_a_killed_run_whatever_they_block_on(
    tmp_path: Path, answer: str, how: signal.Signals
):
    (tmp_path / "wild.py").write_text(WILD)
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, f"{tmp_path / 'wild.py'}:Wild", answer],
        env=PATHS, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        preexec_fn=hearing,
    )  # fmt: skip
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        time.sleep(2)
        family = descendants(owner.pid) | {int(f.stem) for f in tmp_path.glob("*.pid")}
        assert len(family) >= 4
        owner.send_signal(how)
        owner.wait(20)
    finally:
        owner.kill()
    late = time.monotonic() + 5  # a second, on a machine that has time for it
    while living(family) and time.monotonic() < late:
        time.sleep(0.1)
    assert living(family) == set()


def descendants(root: int) -> set[int]:
    parents = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(file.parent.name)] = int(file.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = {root}
    for _ in parents:
        found |= {pid for pid, parent in parents.items() if parent in found}
    return found - {root}


def living(pids: set[int]) -> set[int]:
    found = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state not in "ZX":
            found.add(pid)
    return found
