"""Makes up stories with questions in the form of bAbI's task 2 (two supporting facts), from a simulated world."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PEOPLE = ("Daniel", "John", "Mary", "Sandra")
PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
THINGS = ("apple", "football", "milk")
_MOVES = ("moved", "travelled", "journeyed", "went back", "went")
_TAKES = ("got", "grabbed", "took", "picked up")
_DROPS = ("left", "discarded", "dropped", "put down")

_STORIES = 200
_QUESTIONS = 5
#: Tokens of the longest real story; ours has one of just this length and none longer.
LONGEST = 552
_USUAL_LIMIT = 340


class _Dice:
    """Fair choices from a frozen random stream, equal on every machine."""

    def __init__(self, seed: int) -> None:
        self._numbers = iter(np.frombuffer(np.random.RandomState(seed).bytes(1 << 20), "<u4").tolist())

    def below(self, count: int) -> int:
        return int(next(self._numbers)) * count >> 32

    def pick(self, options: Sequence[str]) -> str:
        return options[self.below(len(options))]


class _World:
    """People walk, take and drop things; each event is a line of the story."""

    def __init__(self, dice: _Dice) -> None:
        self._dice = dice
        self.lines: list[str] = []
        self.tokens = 0
        #: person -> place and the line of the move there.
        self._at: dict[str, tuple[str, int]] = {}
        self._holder: dict[str, str] = {}
        self._lying = {thing: dice.pick(PLACES) for thing in THINGS}
        #: thing -> the line of its last take or drop.
        self._handled: dict[str, int] = {}
        self._moved_before_drop: dict[str, int] = {}

    def happen(self) -> None:
        """One fact: mostly a move, else a take or a drop where one is possible."""
        person = self._somebody()
        if person not in self._at or self._dice.below(100) < 55:
            self.move(person, self._dice.pick(_MOVES))
            return
        here = self._at[person][0]
        held = [thing for thing in THINGS if self._holder.get(thing) == person]
        lying = [thing for thing in THINGS if self._lying.get(thing) == here]
        if lying and (not held or self._dice.below(2)):
            self._take(person, self._dice.pick(lying))
        elif held:
            self._drop(person, self._dice.pick(held))
        else:
            self.move(person, self._dice.pick(_MOVES))

    def _somebody(self) -> str:
        """Mostly who carries something, so that a question's answer tends to be recent news."""
        carriers = sorted(set(self._holder.values()))
        return self._dice.pick(carriers if carriers and self._dice.below(10) else PEOPLE)

    def happen_some(self) -> None:
        """Two facts, and a third of the time two more, and so on: the real stories' rhythm."""
        more = True
        while more:
            self.happen()
            self.happen()
            more = self._dice.below(3) == 0

    def move(self, person: str, verb: str) -> None:
        here = self._at.get(person, ("", 0))[0]
        place = self._dice.pick([place for place in PLACES if place != here])
        self._at[person] = (place, self._tell(f"{person} {verb} to the {place}."))

    def _take(self, person: str, thing: str) -> None:
        del self._lying[thing]
        self._holder[thing] = person
        self._handled[thing] = self._tell(f"{person} {self._dice.pick(_TAKES)} the {thing} there.")

    def _drop(self, person: str, thing: str) -> None:
        del self._holder[thing]
        self._lying[thing], self._moved_before_drop[thing] = self._at[person]
        there = " there" if self._dice.below(5) == 0 else ""
        self._handled[thing] = self._tell(f"{person} {self._dice.pick(_DROPS)} the {thing}{there}.")

    def _tell(self, fact: str) -> int:
        self.lines.append(f"{len(self.lines) + 1} {fact}")
        self.tokens += len(fact.split()) + 1  # the full stop is a token
        return len(self.lines)

    def ask(self) -> bool:
        """Asks for a thing whose place follows from two facts. False where there is none yet."""
        known = [thing for thing in THINGS if thing in self._handled]
        if not known:
            return False
        # Mostly the latest news, so that recent places say something, as in the real stories.
        latest = max(known, key=lambda thing: max(self._handled[thing], self._whereabouts(thing)[1]))
        thing = latest if self._dice.below(10) else self._dice.pick(known)
        place, moved = self._whereabouts(thing)
        number = len(self.lines) + 1
        self.lines.append(f"{number} Where is the {thing}? \t{place}\t{self._handled[thing]} {moved}")
        return True

    def _whereabouts(self, thing: str) -> tuple[str, int]:
        """A thing's place and the line of the move that settled it."""
        if thing in self._holder:
            return self._at[self._holder[thing]]
        return self._lying[thing], self._moved_before_drop[thing]

    def walk_until(self, tokens: int) -> None:
        """Moves of 7 and 6 tokens until the story has exactly `tokens`, at least 30 more than now."""
        missing = tokens - self.tokens
        for count in range((missing - missing % 6 * 7) // 6 + missing % 6):
            self.move(self._dice.pick(PEOPLE), "went back" if count < missing % 6 else "went")


def _story(dice: _Dice, longest: bool) -> list[str] | None:
    world = _World(dice)
    for question in range(_QUESTIONS):
        if longest and question == _QUESTIONS - 1:
            world.walk_until(LONGEST)
        else:
            world.happen_some()
        while not world.ask():
            world.happen()
            world.happen()
        if world.tokens > _USUAL_LIMIT and not longest:
            return None
    return world.lines


def babi_text(part: str) -> str:
    """The text of qa2_two-supporting-facts_{train,test}.txt: 200 stories with five questions each."""
    dice = _Dice({"train": 41, "test": 42}[part])
    lines: list[str] = []
    for number in range(_STORIES):
        story = None
        while story is None:
            story = _story(dice, longest=part == "test" and number == _STORIES - 1)
        lines += story
    return "\n".join(lines) + "\n"
