"""What the study of treatments says of each method: a claim that it judges, or why it cannot."""

from __future__ import annotations

import re
from typing import get_args

from rlskills.report.claims import untestable_section
from rlskills.report.render import section_markdown
from rlskills.tables import escape
from rlskills.training.settings import LossType
from rlskills.training.treatments import TREATMENTS
from rlskills_recipes.treatments_claims import CLAIMS
from rlskills_recipes.treatments_table import METHODS, arm_of
from rlskills_recipes.treatments_untested import UNTESTED

JUDGED = {part.partition("-")[0] for claim in CLAIMS for part in claim.name.split("+")}
REASONED = {each.name for each in UNTESTED}


def test_every_method_has_a_claim_or_a_reason():
    assert set(TREATMENTS.names()) <= JUDGED | REASONED
    assert not JUDGED & REASONED


def test_reasons_are_of_methods_and_settings_that_there_are():
    for each in UNTESTED:
        if loss := re.match(r"loss (\w+)", each.name):
            assert loss[1] in get_args(LossType)
        elif not each.name.startswith("label noise"):
            assert each.name.removesuffix(" in SFT") in TREATMENTS.names()
    assert len(REASONED) == len(UNTESTED)


def test_claims_are_of_arms_of_the_study():
    arms = {arm_of(method.split()) for method in METHODS} | {"base"}
    assert {
        arm for claim in CLAIMS if claim.effect for arm in (claim.effect.arm, claim.effect.against)
    } <= arms


def test_reasons_stand_in_a_table_of_their_own():
    section = untestable_section(UNTESTED)
    shown = section_markdown(section)
    assert "because" in section.header[-1]
    assert len(section.rows) == len(UNTESTED)
    for each in UNTESTED:
        cells = map(escape, (each.name, each.text, each.source, each.untestable))
        assert f"| {' | '.join(cells)} |" in shown
