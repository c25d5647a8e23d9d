"""Draws kinds of events in random order, in a fixed mix."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Generic, TypeVar

Kind = TypeVar("Kind")


@dataclass
class Deck(Generic[Kind]):
    """Draws kinds in random order, in a fixed mix. When all are drawn, they are shuffled again."""

    of: Mapping[Kind, int]
    dice: Random
    left: list[Kind] = field(default_factory=list)

    def draw(self) -> Kind:
        if not self.left:
            self.left = list(Counter(self.of).elements())
            self.dice.shuffle(self.left)
        return self.left.pop()

    def put_back(self, kind: Kind) -> None:
        """Puts back a kind that cannot be sent yet."""
        self.left.insert(self.dice.randrange(len(self.left) + 1), kind)
