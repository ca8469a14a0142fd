"""What short runs of every kind compute, to the last bit.

`python -m tests.golden_runs.make [FILE]` writes it.

Five updates or so of each method on the tiny preset, on one thread, from one supervised base. For
every run: the digest of the final weights, every metric record but its seconds, the digest of the
tasks in the order in which they were drawn, the stream's final state, and the final evaluation.
`make golden COMMIT=...` writes the file anew with the code of that commit. Floating-point results
differ between kinds of processors, so the file names the one that it was written on.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

from safetensors.numpy import load_file

from tests.golden_runs.runs import RUNS, train

FILE = Path(__file__).with_name("golden.json")


def processor() -> str:
    """The processor's name and vector extensions, on which the last bits depend."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown"
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    info = {name.strip(): value.strip() for name, value in found.items()}
    flags = {"avx2", "avx512f", "avx512_vnni", "amx_bf16"} & set(info.get("flags", "").split())
    names = [info.get(key, "") for key in ("vendor_id", "cpu family", "model")]
    return " ".join([*names, *sorted(flags)])


def digest(value: Any) -> str:
    """A digest of JSON-able data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def weights_digest(folder: Path) -> str:
    """A digest of names and values of all weights."""
    found = hashlib.sha256()
    for name, value in sorted(load_file(folder / "model.safetensors").items()):
        found.update(name.encode() + value.tobytes())
    return found.hexdigest()[:16]


def result(folder: Path, drawn: list[Any]) -> dict[str, Any]:
    """Everything that one finished run computed."""
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for record in records:
        del record["time"], record["seconds"]
    evaluation = json.loads((folder / "evaluation.json").read_text())
    return {
        "weights": weights_digest(folder / "model"),
        "drawn": digest(drawn),
        "state": digest(json.loads((folder / "run.json").read_text())["final_state"]["position"]),
        "evaluation": digest(next(v for v in evaluation.values() if isinstance(v, list))),
        "records": records,
    }


def main(file: Path) -> None:
    """Run everything in a temporary folder and write `file`."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        runs = {}
        for name in RUNS:
            runs[name] = result(folder / "seed0" / name, train(name, folder))
            print(f"{name}: weights {runs[name]['weights']}", flush=True)
    found = {"processor": processor(), "runs": runs}
    file.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FILE)
