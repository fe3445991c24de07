"""Every maker has its words, and no other maker's."""

from __future__ import annotations

import msgspec

from orchestrator.host.makers import MAKERS
from orchestrator.host.words import WORDS


def test_every_maker_has_words_of_its_own():
    assert set(WORDS) == {maker.name for maker in MAKERS}
    assert "nvidia" not in str(msgspec.structs.asdict(WORDS["AMD"])).lower()
    assert all(words.route in words.variables for words in WORDS.values())
