"""All checks in a process of their own: what hangs or ends it is a finding like any other."""

from __future__ import annotations

import time
from dataclasses import astuple
from pathlib import Path
from typing import Any

from ...errors import UserError
from ..registry import load
from . import CHECKS, chosen, findings
from .isolated import PATIENCE, ChildDied, listen, taken
from .subject import Finding, Subject, on_progress

LOADING_S = 120.0
"""Seconds in which an environment must have been loaded."""
SILENCE_S = 30.0
"""Seconds after which a check that draws no task and grades no answer counts as hung."""
DEATHS = 3
"""Checks that may end their process before the others are not tried any more."""
LOADING = "loading"


def check_apart(env_spec: str, *, golden: Path | None = None, **hard: int) -> list[Finding]:
    """The findings of `check`, whatever the environment does to the process that it is in.

    A check during which the process ends, or nothing happens for `SILENCE_S` seconds (more where
    the environment says that drawing or grading takes long), is a failure that says so; the checks
    behind it go on in a new process. A `UserError` means that the environment could not be loaded.
    """
    folder = str(golden.absolute()) if golden else None
    found: list[Finding] = []
    left = list(CHECKS)
    for _ in range(DEATHS):
        more, at, why = _one_process(env_spec, {**hard, "golden": folder, "only": left})
        found += more
        if not why:
            return found
        found.append(Finding(at, "failure", why))
        if at not in left or at == "draws":  # then nothing else can be said
            return found
        left = left[left.index(at) + 1 :]
        if not left:
            return found
    return [*found, Finding(left[0], "failure", "neither it nor the checks behind it were tried")]


def _one_process(env_spec: str, how: dict[str, Any]) -> tuple[list[Finding], str, str]:
    """Findings; the check that was under way at the end; and why it ended there, empty if well."""
    found: list[Finding] = []
    at = LOADING
    code = "from rlskills.environments.conformance.apart import child; child()"
    try:
        for kind, *rest in listen(code, {"env": env_spec, **how}, LOADING_S, SILENCE_S):
            if kind == "refused":
                raise UserError(rest[0])
            if kind == "at":
                at = rest[0]
            elif kind == "found":
                found.append(Finding(*rest[0]))
    except ChildDied as error:
        return found, at, str(error)
    return found, at, ""


def child() -> None:
    """What the fresh interpreter runs."""
    order, say = taken()
    try:
        env = load(order["env"])
    except UserError as error:
        say(["refused", str(error)])
        return
    golden = order["golden"] and Path(order["golden"])
    subject = Subject(env, order["junk"], order["tasks"], order["draws"], golden)
    last = time.monotonic()

    def beat() -> None:
        nonlocal last
        if time.monotonic() > last + 1:
            last = time.monotonic()
            say(["going on"])

    on_progress(beat)
    say([PATIENCE, max(2 * env.drawing_seconds, 3 * env.grading_seconds)])
    say(["at", "draws"])
    for name in chosen(subject, order["only"]):
        say(["at", name])
        for finding in findings(name, subject):
            say(["found", astuple(finding)])
