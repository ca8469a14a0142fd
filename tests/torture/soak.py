"""A run that is killed at random for a long time, against one that nothing happened to.

    python -m tests.torture.soak --minutes 30
    python -m tests.torture.soak --minutes 30 --processes 2

Every cycle runs the command of `command.py`, with more updates, in a new folder: it is killed after
a fifth to nine tenths of the time that an undisturbed run takes, with all its processes or (of
several) one rank alone, and started again until it is complete. Then the folder must equal that of
an undisturbed run, and no process and no file in the temporary folders may be left. Prints a line
for every cycle; exit status 1 if any differs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from .command import COMMAND, REV, WORDS, environment, result

MORE = ["--rl.max-steps", "60", "--rl.save-every", "5", "--output", "out"]
LAUNCHER = ["-m", "torch.distributed.run", "--rdzv_backend", "c10d", "--rdzv_endpoint",
            "127.0.0.1:0", "--nproc_per_node"]  # fmt: skip
TEMPORARY = (Path(tempfile.gettempdir()), Path("/dev/shm"))


@dataclass
class Soak:
    """What is run, and what was seen of it."""

    processes: int
    random: random.Random
    kills: int = 0
    early: int = 0
    """Kills that came before the first record of any training."""
    seconds: float = 0.0
    """Of the undisturbed run."""
    memory: list[int] = field(default_factory=list)
    """Highest resident bytes of the run's processes together, in every start."""

    def start(self, folder: Path) -> subprocess.Popen[bytes]:
        """The command, under a launcher where it has several processes."""
        (folder / "rev.py").write_text(REV)
        words = [*COMMAND, *WORDS, *MORE]
        if self.processes > 1:
            words = [sys.executable, *LAUNCHER, str(self.processes), *words[1:]]
        log = (folder / "log").open("ab")
        return subprocess.Popen(words, cwd=folder, env=environment(), stdout=log, stderr=log)

    def once(self, folder: Path, seconds: float | None) -> int | None:
        """Start it, and kill it after `seconds`; its exit status, None where it was killed."""
        process = self.start(folder)
        begin, highest = time.monotonic(), 0
        while process.poll() is None:
            family = list(_family(process.pid))
            highest = max(highest, sum(_resident(each) for each in family))
            if seconds is not None and time.monotonic() - begin > seconds:
                self.early += not any(folder.rglob("metrics.jsonl"))
                self._kill(process, family)
                self.memory.append(highest)
                return None
            time.sleep(0.2)
        self.memory.append(highest)
        return process.returncode

    def _kill(self, process: subprocess.Popen[bytes], family: list[psutil.Process]) -> None:
        """All at once, or of several ranks one alone, whose launcher must end the others."""
        self.kills += 1
        ranks = [each for each in family if _is_rank(each)]
        if self.processes > 1 and len(ranks) > 1 and self.random.random() < 0.5:
            _end(self.random.choice(ranks))
            process.wait(120)
        else:
            for each in family:
                _end(each)
            process.wait(30)
        _, alive = psutil.wait_procs(family, 30)
        assert not alive, f"left over: {alive}"


def _family(pid: int) -> Iterator[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        yield parent
        yield from parent.children(recursive=True)
    except psutil.NoSuchProcess:
        return


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _is_rank(process: psutil.Process) -> bool:
    try:
        return "RANK" in process.environ()
    except psutil.Error:
        return False


def _end(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _left_over() -> set[str]:
    files = {str(file) for folder in TEMPORARY if folder.is_dir() for file in folder.iterdir()}
    # torchrun makes one at every start and removes none, whatever runs under it.
    return {file for file in files if not Path(file).name.startswith("torchelastic_")}


def cycle(soak: Soak, expected: dict[str, Any], number: int) -> bool:
    """One run, killed until it is complete; whether it is as the undisturbed one."""
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    before, kills, starts = _left_over(), soak.kills, 0
    status: int | None = None
    while status is None:
        starts += 1
        share = soak.random.uniform(0.2, 0.9)
        status = soak.once(folder, share * soak.seconds if starts < 12 else None)
    same = status == 0 and result(folder / "out") == expected
    left = sorted(_left_over() - before)
    print(f"cycle {number}: {soak.kills - kills} kills, {starts} starts, exit {status}, "
          f"{'EQUAL' if same else 'DIFFERENT in ' + str(folder)}, left over: {left or 'nothing'}",
          flush=True)  # fmt: skip
    if same:
        shutil.rmtree(folder)
    return same and not left


def main() -> None:
    """Cycles until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    soak = Soak(words.processes, random.Random(words.seed))
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    begin = time.monotonic()
    assert soak.once(folder, None) == 0, (folder / "log").read_text()[-3000:]
    expected, soak.seconds = result(folder / "out"), time.monotonic() - begin
    print(f"undisturbed: {soak.seconds:.0f} s on {words.processes} processes, at most "
          f"{soak.memory[-1] / 1e6:.0f} MB", flush=True)  # fmt: skip
    number, fine = 0, True
    while time.monotonic() - begin < 60 * words.minutes:
        number += 1
        fine &= cycle(soak, expected, number)
    half = len(soak.memory) // 2
    minutes = (time.monotonic() - begin) / 60
    print(f"{number} cycles, {soak.kills} kills ({soak.early} before any record), {minutes:.0f} "
          f"minutes; memory at most {max(soak.memory[:half]) / 1e6:.0f} MB in the first half of "
          f"the starts, {max(soak.memory[half:]) / 1e6:.0f} MB in the second")  # fmt: skip
    shutil.rmtree(folder)
    raise SystemExit(not fine)


if __name__ == "__main__":
    main()
