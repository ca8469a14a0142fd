"""Loading a model and its tokenizer by name or folder, and turning tasks into token ids.

`tiny` is the from-scratch preset; anything else is handed to transformers. All checks that a model
can do the tasks at all are here, so that they fail before training starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from ..environments import Message, Task, digest, joined
from ..errors import UserError
from .kernels import Kernels


def load_tokenizer(model: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a model, padding on the left as generation needs it."""
    tokenizer = _from_pretrained(AutoTokenizer, model)
    tokenizer.padding_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(model: str, kernels: Kernels, dtype: torch.dtype = torch.float32) -> Any:
    """A causal language model with the chosen attention kernel."""
    return _from_pretrained(
        AutoModelForCausalLM, model, attn_implementation=kernels.attention, dtype=dtype
    )


def _from_pretrained(loader: Any, model: str, **options: Any) -> Any:
    if not Path(model).is_dir() and (model.startswith((".", "/")) or model.count("/") > 1):
        raise UserError(f"no such model folder: {model}")
    try:
        return loader.from_pretrained(model, **options)
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).strip().split("\n")[0]
        hint = "" if Path(model).is_dir() else " (the preset is called 'tiny')"
        raise UserError(f"cannot load model {model!r}{hint}: {reason}") from error


def prompt_of(task: Task, tokenizer: PreTrainedTokenizerBase) -> Any:
    """What TRL is given: chat messages if the tokenizer has a chat template, else plain text."""
    return task.messages if tokenizer.chat_template else task.text


def encode_prompts(tasks: Sequence[Task], tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    """Token ids of the prompts, up to where the completion begins."""
    return encode_openings([task.messages for task in tasks], tokenizer)


def encode_openings(
    openings: Sequence[Sequence[Message]], tokenizer: PreTrainedTokenizerBase
) -> list[list[int]]:
    """Token ids of conversations, up to where the next reply begins."""
    if tokenizer.chat_template:
        return [
            tokenizer.apply_chat_template(
                list(messages), add_generation_prompt=True, tokenize=True, return_dict=False
            )  # pyright: ignore[reportReturnType]
            for messages in openings
        ]
    return tokenizer([joined(messages) for messages in openings])["input_ids"]  # pyright: ignore[reportReturnType]


def encode_completions(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    """Token ids of demonstrations, each closed by the end token."""
    rows = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    return [[*row, tokenizer.eos_token_id] for row in rows]  # pyright: ignore


def end_tokens(model: Any, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """All token ids that end a completion."""
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    return {token for token in [*ends, tokenizer.eos_token_id] if token is not None}


def check_prompts(
    tasks: Sequence[Task], tokenizer: PreTrainedTokenizerBase, config: Any, new_tokens: int
) -> None:
    """Fail early, in one line, on tasks this model cannot read or that do not fit it."""
    room = _positions(config)
    for task, ids in zip(tasks, encode_prompts(tasks, tokenizer), strict=True):
        unknown = tokenizer.unk_token_id
        if unknown is not None and unknown in ids:
            bad = next((c for c in task.text if unknown in tokenizer(c)["input_ids"]), "?")  # pyright: ignore[reportOperatorIssue]
            raise UserError(
                f"the model's tokenizer cannot encode {bad!r} in a prompt of {task.env} "
                f"(level {task.level}); the tiny preset knows printable ASCII only"
            )
        if room is not None and len(ids) + new_tokens > room:
            raise UserError(
                f"a prompt of {task.env} (level {task.level}) has {len(ids)} tokens; with "
                f"{new_tokens} new ones it does not fit the model's {room} positions"
            )


def positions_of(model: Any) -> int | None:
    """Tokens that a model can see, prompt included; None if it does not say."""
    return _positions(model.config)


def _positions(config: Any) -> int | None:
    return getattr(config, "max_position_embeddings", None)


def identity_of(model: str) -> str:
    """What ties a run to where it started: the digest of a folder's weights, or a name."""
    if not Path(model).is_dir():
        return model
    files = sorted(Path(model).glob("*.safetensors"))
    return digest([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
