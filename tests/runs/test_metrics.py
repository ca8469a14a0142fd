from __future__ import annotations

import json
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rlskills.report.reading import metric_lines
from rlskills.runs.metrics import Budget, MetricWriter


def events(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
    found.Reload()
    return found


def points(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(e.step, round(e.value, 4)) for e in events(folder).Scalars(tag)]


def test_records_and_events_hold_the_same(tmp_path: Path):
    writer = MetricWriter(tmp_path, places=[("train", 2)])
    for step in (1, 2, 3):
        budget = Budget(step * 10, step * 10, step * 100, step * 50, step * 1.5)
        writer.log(step, budget, {"train/loss": 1 / step, "eval/train/L2/greedy": step / 4})
    writer.close()
    records = list(metric_lines(tmp_path / "metrics.jsonl"))
    assert [r["step"] for r in records] == [1, 2, 3]
    assert records[2]["generated_tokens"] == 300
    assert points(tmp_path, "train/loss") == [(1, 1.0), (2, 0.5), (3, 0.3333)]
    assert points(tmp_path, "eval/train/L2/greedy") == [(1, 0.25), (2, 0.5), (3, 0.75)]
    for axis, scale in (("samples", 10), ("generated_tokens", 100), ("trained_tokens", 50)):
        steps = [step for step, _ in points(tmp_path, f"by_{axis}/eval/train/L2/greedy")]
        assert steps == [scale, 2 * scale, 3 * scale]


def test_a_resume_cuts_back_record_and_events(tmp_path: Path):
    writer = MetricWriter(tmp_path, places=[("train", 1)])
    for step in (1, 2, 3, 4):
        writer.log(step, Budget(samples=step), {"eval/train/L1/greedy": 0.9})
    writer.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "samp')  # torn by a kill
    writer = MetricWriter(tmp_path, last_step=2, places=[("train", 1)])
    writer.log(3, Budget(samples=3), {"eval/train/L1/greedy": 0.5})
    writer.close()
    assert [r["step"] for r in metric_lines(tmp_path / "metrics.jsonl")] == [1, 2, 3]
    assert points(tmp_path, "eval/train/L1/greedy") == [(1, 0.9), (2, 0.9), (3, 0.5)]
    assert points(tmp_path, "by_samples/eval/train/L1/greedy")[-1] == (3, 0.5)


def test_tensorboard_opens_on_the_comparison(tmp_path: Path):
    writer = MetricWriter(tmp_path, places=[("train", 1), ("held_out", 1)])
    writer.hparams({"arm": "grpo", "learning_rate": 1e-4, "x": None}, {"final/train/L2": 0.5})
    writer.close()
    tags = events(tmp_path).Tags()
    assert "custom_scalars__config__" in tags["tensors"]
    assert "final/train/L2" in tags["scalars"]
    raw = b"".join(f.read_bytes() for f in (tmp_path / "tensorboard").iterdir())
    assert b"hparams" in raw
    assert b"held out: accuracy by samples" in raw


def test_a_base_model_is_not_laid_over_its_arms(tmp_path: Path):
    writer = MetricWriter(tmp_path)
    writer.log(1, Budget(samples=5), {"eval/train/L1/greedy": 0.5})
    writer.close()
    assert events(tmp_path).Tags()["scalars"] == ["eval/train/L1/greedy"]


def test_a_fresh_run_forgets_an_old_record(tmp_path: Path):
    (tmp_path / "metrics.jsonl").write_text(json.dumps({"step": 7, "metrics": {}}) + "\n")
    MetricWriter(tmp_path).close()
    assert list(metric_lines(tmp_path / "metrics.jsonl")) == []
