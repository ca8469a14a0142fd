"""`rg:NAME`: any dataset of reasoning-gym as an environment (`pip install 'rlskills[rg]'`)."""

from __future__ import annotations

from dataclasses import field, fields, make_dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ...environments import Environment
from ...errors import UnknownName, UserError
from .catalogue import COSTLY, DENIED, LEFT_OUT, MANY_VALID_ANSWERS

MOST_LEVELS = 10


def datasets() -> list[str]:
    """Names of all datasets that are not refused."""
    return [name for name in sorted(_factory().DATASETS) if name not in DENIED]


def find(name: str) -> type[Environment]:
    """The environment class of a dataset; `UserError` where it is refused, with the reason."""
    known = _factory().DATASETS
    if name not in known:
        raise UnknownName("reasoning-gym dataset", name, sorted(known))
    if name in DENIED:
        raise UserError(f"rg:{name} is refused: {DENIED[name]}")
    return _class(name)


def _factory() -> Any:
    try:
        from reasoning_gym import factory
    except ImportError as error:
        raise UserError(
            f"environments rg:NAME need reasoning-gym ({error}): pip install 'rlskills[rg]'"
        ) from error
    return factory


@cache
def _class(name: str) -> type[Environment]:
    from .entries import settings_of
    from .environment import ReasoningGym
    from .graders import GRADERS

    config = _config(name)
    known = {item.name for item in fields(config)}
    levels = []
    for found in _levels(name):
        sets = {k: v for k, v in settings_of(vars(found)) if k in known}
        try:
            full = config(**sets)
        except (TypeError, ValueError):  # some configurations of its curricula are invalid
            continue
        base = config()
        level = {k: v for k, v in vars(full).items() if v != getattr(base, k)}
        if level not in levels:
            levels.append(level)
    dataset = _factory().DATASETS[name][0]
    compares = "score_answer" not in vars(dataset)
    about = {
        "__doc__": f"{name} of reasoning-gym ({dataset.__module__.split('.')[1]}).",
        "__module__": __name__,
        "name": f"rg:{name}",
        "source": f"rg:{name}",
        "dataset": name,
        "version": _version(),
        "Config": config,
        "levels": tuple(levels) or ({},),
        "many_valid_answers": name in MANY_VALID_ANSWERS,
        "test_percent": 50 if name in COSTLY else 10,
        "trusted_grader": name in GRADERS or compares,
        "drawing_seconds": 60.0,  # the first draw starts a process
        "grading_seconds": 20.0,  # the first call in a worker builds the dataset
    }
    return type("".join(part.capitalize() for part in name.split("_")), (ReasoningGym,), about)


def _config(name: str) -> Any:
    """A frozen dataclass with the options of a dataset, which validates as that does."""
    from .entries import config_of, settings_of

    default = _factory().DATASETS[name][1]()
    options = settings_of(
        (item.name, getattr(default, item.name))
        for item in fields(default)
        if item.name not in ("seed", "size")
        and not hasattr(getattr(default, item.name), "alphabet")
    )
    texts = {option for option, value in options if isinstance(value, tuple)}

    def check(self: Any) -> None:
        for option in texts:
            value = getattr(self, option)
            if isinstance(value, str):  # from a web address: operators=+,-
                object.__setattr__(self, option, tuple(value.split(",")))
            elif isinstance(value, list):
                object.__setattr__(self, option, settings_of({option: value})[0][1])
        config_of(name, settings_of(vars(self)))

    return make_dataclass(
        "Config",
        [(option, Any, field(default=value)) for option, value in options],
        bases=(Environment.Config,),
        frozen=True,
        namespace={"__post_init__": check, "__module__": __name__},
    )


def _levels(name: str) -> list[Any]:
    """The configurations of the dataset's curriculum, easiest first."""
    factory = _factory()
    if name not in factory.CURRICULA:
        return []
    left_out, found = LEFT_OUT.get(name, (set(), ""))[0], []
    for level in range(MOST_LEVELS):
        curriculum = factory.create_curriculum(name)
        curriculum.set_global_level(level)
        config = curriculum.generate_configuration()
        if config in found:  # beyond its last level a curriculum repeats that one
            break
        found.append(config)
    return [config for level, config in enumerate(found) if level not in left_out]


def _version() -> int:
    """reasoning-gym's version as a number: 0.1.25 is 1025. Other versions may ask other things."""
    try:
        parts = [int(part) for part in version("reasoning-gym").split(".")[:3]]
    except (PackageNotFoundError, ValueError):
        return 1
    return sum(part * 1000**place for place, part in enumerate(reversed(parts))) or 1


__all__ = ["datasets", "find"]
