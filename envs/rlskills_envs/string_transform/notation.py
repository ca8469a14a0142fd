"""How a problem is written and how its answer is read, for each kind of model.

`Code` shows Python code and reads a JSON object, for models that know both. `Tiny` and `Copy` spend
as few characters as they can, for a model that learns its only language here; `Letters` keeps their
letters apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Protocol

from rlskills.environments import StepScore
from rlskills.environments.parsing import TAIL, behind_thoughts, json_object
from rlskills.environments.steps import StepForm, behind

from .expression import Call, Node, Step, calls, render, written
from .functions import RECORDS, definition

_QUESTION = """\
Here is some Python code:

{code}

Which string does main_solution return for x = {x!r}? Think it through step by step in words; do \
not write any code. Then finish with a JSON object whose only key is "output" and whose value is \
that string:
{{"output": "..."}}"""

Trace = Sequence[Sequence[str]]
"""Pairs of a call on values and what it returns, in evaluation order."""


_LINES = StepForm("\n", '{"output"', re.compile(r"func_\d|\(?['\"]"), behind(" = "))
"""Lines like `func_3('x') = 'y'`; sums and calls of methods begin with a quotation mark."""
TINY_STEPS = StepForm(";", "#", re.compile(r"F\d"), behind("="))
"""Steps like `F40(efag)=efagf;`."""


class Notation(Protocol):
    """What an environment needs to ask, to show and to read."""

    def prompt(self, program: Node, x: str, show_definitions: bool) -> str:
        """The question."""
        ...

    def call(self, step: Step) -> str:
        """One step of a program as a single call on values."""
        ...

    def answer(self, program: Node, x: str, value: str) -> str:
        """What is asked for, given the program's value."""
        ...

    def solution(self, trace: Trace, answer: str) -> str:
        """The worked solution, which ends like `answer_only`."""
        ...

    def steps(self, text: str, trace: Trace) -> tuple[StepScore, ...]:
        """The calls with their values in a text, as `solution` writes them."""
        ...

    def answer_only(self, answer: str) -> str:
        """The answer as a completion should end with it."""
        ...

    def parse(self, text: str) -> str | None:
        """What a completion answers, or None."""
        ...

    def well_formed(self, text: str) -> bool:
        """Whether all of a completion with an answer in it is in the form asked for."""
        ...

    def right(self, answer: str, parsed: str) -> bool:
        """Whether what was parsed is this answer, to the character."""
        ...


class Code:
    """Python source in, JSON object out."""

    def prompt(self, program: Node, x: str, show_definitions: bool) -> str:
        """The code, below the definitions of the functions it uses if they are to be shown."""
        code = f"def main_solution(x):\n    return {render(program)}"
        if show_definitions:
            used = set(calls(program))
            shown = [definition(name) for name in RECORDS if name in used]
            code = "\n\n".join([*shown, code])
        return _QUESTION.format(code=code, x=x)

    def call(self, step: Step) -> str:
        """One step of the program as a call on values."""
        return written(step.node, [repr(value) for value in step.operands])

    def answer(self, program: Node, x: str, value: str) -> str:
        """The value."""
        return value

    def solution(self, trace: Trace, answer: str) -> str:
        """Every call in the form of a single call, then the answer."""
        return "\n".join([*_lines(trace), self.answer_only(answer)])

    def steps(self, text: str, trace: Trace) -> tuple[StepScore, ...]:
        """Lines that begin with a call and end with its value."""
        return _LINES.read(text, [repr(value) for _, value in trace], _lines(trace))

    def answer_only(self, answer: str) -> str:
        """The answer as a model should end with it."""
        return json.dumps({"output": answer}, ensure_ascii=False)

    def parse(self, text: str) -> str | None:
        """The value of `output` as JSON text, so that 5 is not "5"; None if there is none."""
        found = json_object(text)
        if found is None or "output" not in found:
            return None
        return json.dumps(found["output"])

    def well_formed(self, text: str) -> bool:
        """One object, behind whole thoughts if any, with `output` as its only key, at the end."""
        rest = (behind_thoughts(text) or "").rstrip().removesuffix("```").rstrip()
        found = json_object(text)
        return (
            found is not None
            and list(found) == ["output"]
            and text.count('"output"') == 1
            and rest.endswith("}")
        )

    def right(self, answer: str, parsed: str) -> bool:
        """Equality, and only with a JSON string."""
        return parsed == json.dumps(answer)


class Tiny:
    """`F01(F11(efahd))?` in, `F11(efahd)=eefahd;F01(eefahd)=abcde;#abcde` out."""

    def prompt(self, program: Node, x: str, show_definitions: bool) -> str:
        """The chain on the input itself; it has no definitions to show."""
        return _chain(program, x) + "?"

    def call(self, step: Step) -> str:
        """One step; it looks exactly like a problem of depth 1."""
        return _call(step.node, step.operands[0])

    def answer(self, program: Node, x: str, value: str) -> str:
        """The value."""
        return value

    def solution(self, trace: Trace, answer: str) -> str:
        """Every call and its value, then the answer."""
        return "".join(f"{call}={value};" for call, value in trace) + self.answer_only(answer)

    def steps(self, text: str, trace: Trace) -> tuple[StepScore, ...]:
        """Calls with their values, each ended by a semicolon, before the answer's mark."""
        return TINY_STEPS.read(text, [value for _, value in trace])

    def answer_only(self, answer: str) -> str:
        """The answer behind its mark."""
        return "#" + answer

    def parse(self, text: str) -> str | None:
        """All that stands behind the last `#`, to the character."""
        _, mark, found = text[-TAIL:].rpartition("#")
        return found if mark and found else None

    def well_formed(self, text: str) -> bool:
        """One mark in all of the text."""
        return text.count("#") == 1

    def right(self, answer: str, parsed: str) -> bool:
        """Equality."""
        return parsed == answer


class Letters(Tiny):
    """`F01(F07( e f a))?` in, `F07( e f a)= a f e;F01( a f e)= f a f e;# f a f e` out.

    A blank stands before every letter, so that it is a token of its own in most vocabularies.
    """

    def prompt(self, program: Node, x: str, show_definitions: bool) -> str:
        """The chain on the letters of the input."""
        return _chain(program, _spaced(x)) + "?"

    def call(self, step: Step) -> str:
        """One step; it looks exactly like a problem of depth 1."""
        return _call(step.node, _spaced(step.operands[0]))

    def solution(self, trace: Trace, answer: str) -> str:
        """Every call and the letters of its value, then the answer."""
        lines = "".join(f"{call}={_spaced(value)};" for call, value in trace)
        return lines + self.answer_only(answer)

    def steps(self, text: str, trace: Trace) -> tuple[StepScore, ...]:
        """Calls with their values, each ended by a semicolon, before the answer's mark."""
        return TINY_STEPS.read(text, [_spaced(value) for _, value in trace])

    def answer_only(self, answer: str) -> str:
        """The answer's letters behind its mark."""
        return "#" + _spaced(answer)

    def parse(self, text: str) -> str | None:
        """All that stands behind the last `#`, without the blanks before letters."""
        found = super().parse(text)
        return None if found is None else re.sub(r" (?=\S)", "", found)


class Copy(Tiny):
    """`F01(F11(efahd))"` in, `F01(F11(efahd))` out: reading a chain without computing it."""

    def prompt(self, program: Node, x: str, show_definitions: bool) -> str:
        """The chain and the mark that asks for a copy."""
        return _chain(program, x) + '"'

    def answer(self, program: Node, x: str, value: str) -> str:
        """The chain itself."""
        return _chain(program, x)

    def solution(self, trace: Trace, answer: str) -> str:
        """There are no steps."""
        return answer

    def steps(self, text: str, trace: Trace) -> tuple[StepScore, ...]:
        """There are none."""
        return ()

    def answer_only(self, answer: str) -> str:
        """The chain without any mark."""
        return answer

    def well_formed(self, text: str) -> bool:
        """Any text is a copy of something."""
        return True

    def parse(self, text: str) -> str | None:
        """All of the text."""
        return text[-TAIL:] or None


def _lines(trace: Trace) -> list[str]:
    return [f"{call} = {value!r}" for call, value in trace]


def notation(preset: str, mode: str) -> Notation:
    """The notation of a preset in a mode, `solve` or `copy`."""
    match preset, mode:
        case "tiny", "copy":
            return Copy()
        case "tiny", _:
            return Tiny()
        case "letters", _:
            return Letters()
        case _:
            return Code()


def _spaced(text: str) -> str:
    return "".join(f" {letter}" for letter in text)


def _chain(node: Node, x: str) -> str:
    return _call(node, _chain(node.operands[0], x)) if isinstance(node, Call) else x


def _call(node: Node, operand: str) -> str:
    assert isinstance(node, Call)  # there is nothing else in a chain
    return f"{node.function}({operand})"
