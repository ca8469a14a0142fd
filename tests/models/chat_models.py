"""Small random models of real architectures, with byte-level tokenizers and chat templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from rlskills import environments

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CHAT = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
SIZE = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 4, "head_dim": 16, "max_position_embeddings": 512,
}  # fmt: skip


class Say(environments.Environment):
    """The prompt asks for one fixed word in answer tags."""

    name = "say"
    test_percent = 50

    from dataclasses import dataclass as _dataclass

    @_dataclass(frozen=True)
    class Config(environments.Environment.Config):
        size: int = 100

    def make(self, rng: Any, cfg: Any) -> environments.Draft:
        return environments.Draft(prompt=f"Number {rng.randrange(cfg.size)}. Say ok.", answer="ok")


def tokenizer_of(
    specials: tuple[str, ...], first: str = "", template: str | None = None, **names: str
) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer; `first` is put before every text."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=350, special_tokens=list(specials), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    texts = [f"Number {n}. Say ok.<answer>ok</answer>" for n in range(99)]
    made.train_from_iterator(texts, trainer)
    if first:
        made.post_processor = processors.TemplateProcessing(
            single=f"{first} $A", special_tokens=[(first, made.token_to_id(first))]
        )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, **names)
    tokenizer.chat_template = template
    return tokenizer


def chat_tokenizer(**names: str) -> PreTrainedTokenizerFast:
    """One with a ChatML template, ended by <|im_end|>."""
    given = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", **names}
    return tokenizer_of(CHAT, template=CHATML, **given)


def save_model(
    folder: Path, model: type[Any], config: type[Any], tokenizer: PreTrainedTokenizerFast,
    rows: int = 0, ends: int | list[int] | None = None,
    generation: Mapping[str, Any] | None = None, **more: Any,
) -> Path:  # fmt: skip
    """A random model of two layers in `folder`, with its tokenizer; returns the folder."""
    size = SIZE | {"vocab_size": rows or len(tokenizer), "eos_token_id": ends} | more
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = model(config(**size))
    for key, value in (generation or {}).items():
        setattr(made.generation_config, key, value)
    made.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def teach(folder: Path, end: str, then: str = "", text: str = "<answer>ok</answer>") -> None:
    """Teach it to answer every prompt of `Say` with `text`, the token `end`, and `then`."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    plain = {"add_special_tokens": False}
    tail = tokenizer(text, **plain)["input_ids"] + [tokenizer.convert_tokens_to_ids(end)]
    tail += tokenizer(then, **plain)["input_ids"]
    for update in range(90):
        asked = f"Number {update * 37 % 1000}. Say ok."
        if tokenizer.chat_template:
            ids = tokenizer.apply_chat_template(
                [{"role": "user", "content": asked}], add_generation_prompt=True, return_dict=False
            )
        else:
            ids = tokenizer(asked)["input_ids"]
        tokens = torch.tensor([[*ids, *tail]])
        labels = tokens.clone()
        labels[0, : len(ids)] = -100
        model(input_ids=tokens, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
