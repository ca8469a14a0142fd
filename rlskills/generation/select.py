"""Which engine samples: the first that can, in a fixed order, with a note where one cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import UnknownName, UserError
from ..models.loaded import LoadedModel
from .engine import Completion, Engine, Prompt, SamplingParams
from .hf import Transformers
from .llama_cpu import LlamaCPU
from .vllm import VLLM

ENGINES = ("auto", "llama_cpu", "transformers", "vllm")
"""`auto` takes our own decoder where it applies, else transformers."""

Note = Callable[[str], None]


class FirstThatCan:
    """An engine that hands each call to the first of several that does not refuse it."""

    def __init__(self, engines: Sequence[Engine], note: Note) -> None:
        self.engines = list(engines)
        self.name = ", ".join(engine.name for engine in self.engines)
        self.note = note
        self._noted: set[str] = set()

    def refuses(self, params: SamplingParams) -> str | None:
        """What the last one says, if all refuse."""
        reasons = [engine.refuses(params) for engine in self.engines]
        return None if None in reasons else reasons[-1]

    def generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, seed: int
    ) -> list[Completion]:
        """Completions of the engine that `chosen` names."""
        return self.chosen(params).generate(prompts, params, seed)

    def chosen(self, params: SamplingParams) -> Engine:
        """The first engine that can; those before it are named in a note, once."""
        reasons = []
        for engine in self.engines:
            reason = engine.refuses(params)
            if reason is None:
                for text in reasons:
                    self._say(f"{text}; sampling with {engine.name}")
                return engine
            reasons.append(f"{engine.name} {reason}")
        raise UserError("nothing can sample like this: " + "; ".join(reasons))

    def sync(self, step: int) -> None:
        """Those that could be chosen take over the weights."""
        for engine in self.engines:
            if engine.refuses(SamplingParams(1)) is None:
                engine.sync(step)
                return

    def _say(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self.note(text)


def select_engine(loaded: LoadedModel, wanted: str = "auto", note: Note | None = None) -> Engine:
    """What samples from a model: the engine `wanted`, or the next that can.

    `note` receives the reason why an engine that was asked for by name is not used.
    """
    if wanted not in ENGINES:
        raise UnknownName("engine", wanted, ENGINES)
    made: dict[str, Engine] = {
        "llama_cpu": LlamaCPU(loaded),
        "transformers": Transformers(loaded),
        "vllm": VLLM(loaded),
    }
    rest = [made[name] for name in ("llama_cpu", "transformers") if name != wanted]
    if wanted == "auto":
        return FirstThatCan(rest, lambda text: None)
    return FirstThatCan([made[wanted], *rest], note or (lambda text: None))
