"""Made-up stories of bAbI's task 2: sizes of the real ones, and answers that follow from two facts."""

from __future__ import annotations

import re

import numpy as np
import pytest

from orchestrator.data.babi import LONGEST, PEOPLE, PLACES, THINGS, babi_text


class Reader:
    """Reads task 2 as the Keras example tokenises it, and keeps its own books of the world."""

    def __init__(self, text: str) -> None:
        self.questions: list[tuple[list[str], list[str], str]] = []
        self.solved: list[str] = []
        self.latest: list[str] = []
        self.supported = True
        for line in text.splitlines():
            number, _, rest = line.partition(" ")
            if number == "1":
                self.facts: dict[int, list[str]] = {}
                self.at: dict[str, str] = {}
                self.thing_at: dict[str, str] = {}
            if "\t" in rest:
                self._question(*rest.split("\t"))
            else:
                self._fact(int(number), tokens(rest))

    def _fact(self, number: int, words: list[str]) -> None:
        self.facts[number] = words
        person, thing = words[0], next((word for word in words if word in THINGS), None)
        if thing is None:
            self.at[person] = words[-2]
        else:
            taken = words[1] in ("got", "grabbed", "took", "picked")
            self.thing_at[thing] = person if taken else self.at[person]

    def _question(self, question: str, answer: str, support: str) -> None:
        words = tokens(question)
        place = self.thing_at[words[3]]
        story = [word for fact in self.facts.values() for word in fact]
        self.questions.append((story, words, answer))
        self.solved.append(self.at.get(place, place))
        self.latest.append([word for word in story if word in PLACES][-1])
        handled, moved = (self.facts[int(number)] for number in support.split())
        self.supported &= words[3] in handled and handled[0] == moved[0] and answer in moved


def tokens(text: str) -> list[str]:
    return re.findall(r"\w+|[.?]", text)


@pytest.fixture(scope="module")
def stories() -> dict[str, Reader]:
    return {part: Reader(babi_text(part)) for part in ("train", "test")}


def test_babi_has_the_real_sizes(stories: dict[str, Reader]) -> None:
    questions = [question for reader in stories.values() for question in reader.questions]
    assert [len(reader.questions) for reader in stories.values()] == [1_000, 1_000]
    assert max(len(story) for story, _, _ in questions) == 552
    assert {len(query) for _, query, _ in questions} == {5}
    vocabulary = {word for story, query, answer in questions for word in [*story, *query, answer]}
    assert len(vocabulary) == 35
    assert {*PEOPLE, *PLACES, *THINGS, ".", "?", "Where", "is", "there", "back"} <= vocabulary


def test_babi_answers_follow_from_the_two_facts_named(stories: dict[str, Reader]) -> None:
    for reader in stories.values():
        assert reader.solved == [answer for _, _, answer in reader.questions]
        assert reader.supported


def test_babi_is_learnable_but_not_trivial(stories: dict[str, Reader]) -> None:
    """The latest place in the story is the answer far more often than chance (1/6)."""
    for reader in stories.values():
        hits = np.mean([guess == solved for guess, solved in zip(reader.latest, reader.solved, strict=True)])
        assert 0.3 < hits < 0.8


def test_the_same_text_each_time_and_another_one_for_the_test():
    assert babi_text("test") == babi_text("test") != babi_text("train")


def test_exactly_one_story_is_as_long_as_the_longest_real_one(stories: dict[str, Reader]) -> None:
    lengths = {part: max(len(story) for story, _, _ in reader.questions) for part, reader in stories.items()}
    assert lengths["test"] == LONGEST > lengths["train"]
