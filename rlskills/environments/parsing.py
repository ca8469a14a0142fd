"""Reading an answer out of model text, which may be of any length and hold any bytes.

Every parser looks at the tail of the text only and runs in linear time on it. Nothing is ever
executed.
"""

from __future__ import annotations

import json
import re
from typing import Any

TAIL = 20_000
"""Characters at the end of a completion in which the answer must stand."""

_ANSWER = re.compile(r"<answer>((?:(?!<answer>).)*?)</answer>", re.DOTALL)
_FENCE = re.compile(r"```json[^\S\n]*\n(.*?)```", re.DOTALL)
_OPEN = re.compile(r'\{(?=\s*["}])')
WASTE = 20 * TAIL
"""Characters of objects that came to nothing, after which a text counts as unreadable."""


def after_thinking(text: str) -> str:
    """The tail of `text` behind the last `</think>`; chat templates may have opened the block."""
    return text[-TAIL:].rpartition("</think>")[2]


def answer_block(text: str) -> str | None:
    """The body of the last `<answer>...</answer>`, stripped, or None."""
    blocks = _ANSWER.findall(after_thinking(text))
    return blocks[-1].strip() if blocks else None


def strictly_formed(text: str) -> bool:
    """Whether all of `text` is in form: thoughts if any, then one answer block, and no more.

    Thinking is closed, and not empty; the chat template may have opened it. There is one answer
    block in the whole text, it is not empty, and nothing but white space follows it.
    """
    rest = behind_thoughts(text)
    if rest is None or text.count("<answer>") != 1 or text.count("</answer>") != 1:
        return False
    _, opened, body = rest.rstrip().partition("<answer>")
    return bool(opened and body.endswith("</answer>") and body.removesuffix("</answer>").strip())


def behind_thoughts(text: str) -> str | None:
    """What follows the thinking block, or all of a text without one; None for a malformed block.

    Strictly: it stands at the start, is closed, not empty, and the only one; the chat template may
    have opened it.
    """
    thought, closed, rest = text.partition("</think>")
    if not closed:
        return None if "<think>" in text else text
    thought = thought.strip().removeprefix("<think>")
    whole = thought.strip() and "<think>" not in thought + rest and "</think>" not in rest
    return rest if whole else None


def json_object(text: str) -> dict[str, Any] | None:
    """The last JSON object in the text: in the last ```json fence if there is one.

    Follows the paper's scorer where it matters (a fence wins over a later bare object and must be
    closed; an object after the right one replaces it) and forgives what it forgave: Python's True,
    False and None, and escaped braces.
    """
    text = after_thinking(text)
    _, fence, fenced = text.rpartition("```json")
    if fence:
        text, closed, _ = fenced.partition("```")
        if not closed:
            return None
    literals = {"True": "true", "False": "false", "None": "null"}
    readings = (
        text,
        text.replace("\\{", "{").replace("\\}", "}"),
        re.sub(r"\b(True|False|None)\b", lambda m: literals[m.group()], text),
    )
    found = (_last_object(reading) for reading in dict.fromkeys(readings))
    return next((value for value in found if value is not None), None)


def _last_object(text: str) -> dict[str, Any] | None:
    """Left to right, skipping what does not decode; `WASTE` bounds text that nests for ever."""
    decoder = json.JSONDecoder(strict=False)
    found, position, wasted = None, 0, 0
    while wasted < WASTE and (opening := _OPEN.search(text, position)):
        try:
            found, position = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError) as error:
            wasted += getattr(error, "pos", len(text)) - opening.start()
            position = opening.end()
    return found
