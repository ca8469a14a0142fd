"""A loaded model with all that decides what it says: shared by training, evaluation and engines."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..environments import Environment, Task
from ..errors import UserError
from .codec import Codec
from .kernels import Kernels
from .lora import adapted, save_adapters
from .options import ModelOptions
from .sharding import Shards


@dataclass(eq=False)
class LoadedModel:
    """Weights, and what turns text into ids and back for them."""

    model: Any
    """A causal language model of transformers, perhaps with adapters; weights are float32."""
    codec: Codec
    kernels: Kernels
    """Its attention and the precision that it is computed in, nothing left to choose."""
    source: str = ""
    """Name or folder that it was loaded from."""
    options: ModelOptions | None = None
    """What it was loaded with."""
    shards: Shards | None = None
    """How a trainer has sharded its weights; None: they are whole."""

    @property
    def positions(self) -> int | None:
        """Tokens that the model can see, prompt included; None if it does not say."""
        config = self.model.config.get_text_config()
        return getattr(config, "max_position_embeddings", None)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.model.device

    @property
    def autocast_dtype(self) -> torch.dtype | None:
        """Half precision of matrix products; None computes in float32."""
        return torch.bfloat16 if self.kernels.compute == "bfloat16" else None

    def autocast(self) -> AbstractContextManager[object]:
        """The precision of sampling, loss and every evaluation: weights are float32 in all."""
        if self.autocast_dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, self.autocast_dtype)

    @contextmanager
    def inference(self) -> Iterator[None]:
        """Without dropout and gradients, in the precision of training."""
        training = self.model.training
        self.model.eval()
        try:
            with torch.inference_mode(), self.autocast():
                yield
        finally:
            self.model.train(training)

    def whole_weights(self) -> AbstractContextManager[None]:
        """Within, the model can be run without regard to other processes; all enter together.

        Where its weights are sharded, each process then holds a copy of all of them.
        """
        return self.shards.whole() if self.shards else nullcontext()

    def save(self, folder: Path, main: bool = True) -> None:
        """Write model and tokenizer as an ordinary folder, whole or not at all.

        Of a model with adapters they alone are written, with a note of what they belong on. To be
        called by all processes of a group, of which the `main` one writes.
        """
        weights = self.shards.state_dict() if self.shards else None
        if not main:
            return
        beside = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(beside, ignore_errors=True)
        if adapted(self.model):
            save_adapters(self.model, beside, folder, weights)
        else:
            self.model.save_pretrained(beside, state_dict=weights)
        self.codec.tokenizer.save_pretrained(beside)
        _readable_alike(beside)
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)

    def check(
        self, asked: Sequence[tuple[Environment, Task]], new_tokens: int, lengths: bool = True
    ) -> None:
        """A `UserError` with a line for each fault of what is asked of this model; without
        `lengths` prompts may be too long for it."""
        faults: dict[str, str] = {}
        prompts = self.codec.encode_tasks([task for _, task in asked])
        for (env, task), prompt in zip(asked, prompts, strict=True):
            for kind, fault in self._faults(env, task, len(prompt), new_tokens):
                if lengths or kind != "long":
                    faults.setdefault(f"{kind} {task.env}", fault)
        if faults:
            raise UserError("\n".join(faults.values()))

    def _faults(
        self, env: Environment, task: Task, length: int, new_tokens: int
    ) -> Iterator[tuple[str, str]]:
        place = f"{task.env} (level {task.level})"
        unknown = self.codec.unknown("".join(m["content"] for m in task.messages))
        if unknown:
            text = f"the model's tokenizer cannot encode {unknown!r} in a prompt of {place}; the "
            yield "unknown", text + "tiny preset knows printable ASCII only"
        elif lost := self._lost(env, task):
            text = f"a right answer of {place} is not right any more when the model's tokenizer "
            yield "lost", text + f"has encoded and decoded it: {lost!r}"
        if fault := too_long(task, length, length + new_tokens, self.positions):
            yield "long", fault

    def _lost(self, env: Environment, task: Task) -> str | None:
        """A right answer that comes back from its ids as another one."""
        if env.multi_turn or task.answer is None:
            return None
        text = env.answer_only(task)
        (ids,) = self.codec.encode_replies([text])
        (back,) = self.codec.decode([ids])
        if back == text or not env.score(task, text).correct or env.score(task, back).correct:
            return None
        return back


def too_long(task: Task, prompt: int, whole: int, positions: int | None) -> str | None:
    """What is wrong with a task of `prompt` tokens, `whole` with its completion; None if it fits.

    `positions` are what the model can see; None: it does not say.
    """
    if positions is None or whole <= positions:
        return None
    return (
        f"a prompt of {task.env} (level {task.level}) has {prompt} tokens; with {whole - prompt} "
        f"new ones it does not fit the model's {positions} positions"
    )


def _readable_alike(folder: Path) -> None:
    """Give weights, which safetensors writes for their owner alone, the mode of other files."""
    others = [f for f in folder.iterdir() if f.is_file() and f.suffix != ".safetensors"]
    if others:
        for file in folder.glob("*.safetensors"):
            file.chmod(others[0].stat().st_mode)
