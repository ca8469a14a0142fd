"""Between text and token ids: the only place that knows a model's tokenizer and chat template.

What ends a completion, and which text a completion is, are decided here for training, evaluation
and demonstrations alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from ..environments import Message, Task, joined
from ..errors import UserError

_REPLY = "(reply)"


@dataclass(frozen=True)
class Codec:
    """A tokenizer with its template, and the ids that end a completion."""

    tokenizer: PreTrainedTokenizerBase
    ends: frozenset[int]
    """Every id that ends a completion; never empty."""
    pad: int
    """What fills rows up; always masked."""
    system_prompt: str = ""
    """Put before every conversation that has no system message of its own."""
    template_options: Mapping[str, Any] = field(default_factory=dict)
    """Further variables of the chat template, such as `enable_thinking`."""

    @cached_property
    def reply_end(self) -> int:
        """The end that closes a reply: the one in the chat template, else the tokenizer's."""
        found = turn_end(self.tokenizer)
        if found is None:
            found = self.tokenizer.eos_token_id
        return found if isinstance(found, int) and found in self.ends else min(self.ends)

    def encode_tasks(self, tasks: Sequence[Task]) -> list[list[int]]:
        """Prompts of tasks, up to where the completion begins."""
        return self.encode_openings([task.messages for task in tasks])

    def encode_openings(self, openings: Sequence[Sequence[Message]]) -> list[list[int]]:
        """Conversations, up to where the next reply begins."""
        asked = [self._with_system(messages) for messages in openings]
        if self.tokenizer.chat_template:
            return [self._rendered(messages, tokenize=True) for messages in asked]
        rows: Any = self.tokenizer([joined(messages) for messages in asked])["input_ids"]
        return [self._open(row) for row in rows]

    def encode_replies(self, texts: Sequence[str]) -> list[list[int]]:
        """Replies that are shown to the model, each closed by `reply_end`."""
        end = self.reply_end
        return [[*row, end] for row in self.encode_texts(texts)]

    def encode_texts(self, texts: Sequence[str]) -> list[list[int]]:
        """Texts, without anything before or behind them."""
        return self._plain(texts) if any(texts) else [[] for _ in texts]

    def encode_observation(self, messages: Sequence[Message]) -> list[int]:
        """What stands between the text of one reply and the beginning of the next.

        With a chat template it begins with whatever closes a reply there.
        """
        if not self.tokenizer.chat_template:
            return self._plain([joined(messages)])[0]
        # Some templates treat the last reply otherwise than earlier ones, so a whole conversation
        # is rendered and what stands behind the reply in it is taken.
        dummy = [{"role": "user", "content": "-"}, {"role": "assistant", "content": _REPLY}]
        text = self._rendered(self._with_system([*dummy, *messages]), tokenize=False)
        _, found, behind = str(text).partition(_REPLY)
        if not found:
            raise UserError("the model's chat template does not show replies; episodes need that")
        return self._plain([behind])[0]

    def decode(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """The text of completions, without ends, padding and what begins or replaces text.

        Other special tokens stay: a tokenizer may have one for `<answer>`, which a grader reads.
        """
        names: Any = (self.tokenizer.bos_token_id, self.tokenizer.unk_token_id)
        left_out = {self.pad, *self.ends, *names}
        kept = [[token for token in row if token not in left_out] for row in rows]
        tokenizer: Any = self.tokenizer
        if getattr(type(tokenizer), "_decode", None) is PreTrainedTokenizerFast._decode:
            # The same without looking at the type of every token.
            return tokenizer.backend_tokenizer.decode_batch(kept, skip_special_tokens=False)
        return [
            str(text)
            for text in self.tokenizer.batch_decode(
                kept, skip_special_tokens=False, clean_up_tokenization_spaces=False
            )
        ]

    def unknown(self, text: str) -> str | None:
        """The first character that the tokenizer has no token for; None if it knows all."""
        unknown = self.tokenizer.unk_token_id
        if unknown is None or unknown not in self._plain([text])[0]:
            return None
        # A token can be both the unknown one and an end: only characters are asked.
        return next((c for c in text if unknown in self._plain([c])[0]), None)

    def _plain(self, texts: Sequence[str]) -> list[list[int]]:
        rows: Any = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return rows

    def _open(self, row: list[int]) -> list[int]:
        """Without the end that some tokenizers append: the completion goes on from here."""
        return row[:-1] if len(row) > 1 and row[-1] in self.ends else row

    def _with_system(self, messages: Sequence[Message]) -> list[Message]:
        if not self.system_prompt or (messages and messages[0]["role"] == "system"):
            return list(messages)
        return [{"role": "system", "content": self.system_prompt}, *messages]

    def _rendered(self, messages: Sequence[Message], tokenize: bool) -> Any:
        try:
            return self.tokenizer.apply_chat_template(
                list(messages), add_generation_prompt=True, tokenize=tokenize, return_dict=False,
                **self.template_options,
            )  # fmt: skip
        except (TemplateError, TypeError, ValueError) as error:
            roles = ", ".join(str(message["role"]) for message in messages)
            reason = str(error).strip().split("\n")[0]
            raise UserError(
                f"the model's chat template refuses a conversation of {roles}: {reason}"
            ) from error


def turn_end(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The special token that closes a reply in the chat template; None without one."""
    if not tokenizer.chat_template:
        return None
    messages = [{"role": "user", "content": "-"}, {"role": "assistant", "content": _REPLY}]
    try:
        text = str(tokenizer.apply_chat_template(messages, tokenize=False))
    except (TemplateError, TypeError, ValueError):
        return None
    behind = text.partition(_REPLY)[2].lstrip()
    ids: Any = tokenizer(behind, add_special_tokens=False)["input_ids"]
    added = tokenizer.added_tokens_decoder
    return ids[0] if ids and ids[0] in added and added[ids[0]].special else None
