"""Generated chat tasks whose answers can be checked exactly, and tales of Homer.

`draw` gives one task; everything random comes from the `random.Random` it is handed, so a seed
fixes the whole sequence. It knows nothing of tokens or models.
"""

import json
from dataclasses import dataclass
from random import Random
from typing import Callable

from corpus import Corpus

HEROES = """
    Ulysses Telemachus Penelope Achilles Hector Ajax Nestor Menelaus Helen Paris Priam Diomed
    Agamemnon Calypso Circe Nausicaa Alcinous Eumaeus Argos Mentor Minerva Jove Juno Neptune Mercury
    Apollo Venus Vulcan Patroclus Andromache Laertes Antinous Eurymachus Polyphemus Aeolus Tiresias
    Cassandra Aeneas Sarpedon Thetis
""".split()

THINGS = """
    ship oar shield spear helmet sword tripod cauldron goat ox lyre bow arrow ring crown cup cloak
    sandal torch anchor sail mast rope loom chariot
""".split()

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

LETTERS = "abcdefghijklmnopqrstuvwxyz"

FACTS = [
    ("Who is the king of Ithaca?", "Ulysses."),
    ("Who is the wife of Ulysses?", "Penelope."),
    ("Who is the son of Ulysses?", "Telemachus."),
    ("Who is the father of Ulysses?", "Laertes."),
    ("What is the name of the dog of Ulysses?", "Argos."),
    ("Who is the swineherd of Ulysses?", "Eumaeus."),
    ("Who kept Ulysses on her island for seven years?", "Calypso."),
    ("Who turned the men of Ulysses into pigs?", "Circe."),
    ("Which Cyclops did Ulysses blind?", "Polyphemus."),
    ("Who is the father of Polyphemus?", "Neptune."),
    ("Who gave Ulysses a bag of winds?", "Aeolus."),
    ("Which prophet did Ulysses meet in Hades?", "Tiresias."),
    ("Who is the king of the Phaeacians?", "Alcinous."),
    ("Who is the daughter of Alcinous?", "Nausicaa."),
    ("Which goddess helps Ulysses?", "Minerva."),
    ("Who is the king of Troy?", "Priam."),
    ("Who killed Hector?", "Achilles."),
    ("Who killed Patroclus?", "Hector."),
    ("Who is the mother of Achilles?", "Thetis."),
    ("Who is the wife of Hector?", "Andromache."),
    ("Who is the wife of Menelaus?", "Helen."),
    ("Who is the brother of Menelaus?", "Agamemnon."),
    ("Who is the king of Pylos?", "Nestor."),
    ("What did Penelope weave?", "A shroud for Laertes."),
    ("How long was Ulysses away from Ithaca?", "Twenty years."),
    ("Which city did the Greeks sack?", "Troy."),
    ("Who are you?", "I am Telemachus, a small model that sails with Tern."),
    (
        "What can you do?",
        "I can add, sort, reverse, repeat, remember keys, write JSON and tell tales of Homer.",
    ),
    ("Hello!", "Hail, stranger."),
    ("Hi", "Hail, stranger."),
    ("Thank you.", "May the gods grant you a fair wind."),
]


@dataclass(frozen=True)
class Task:
    """A question and the one right answer; of a tale, a right answer among many."""

    kind: str
    question: str
    answer: str


QuestionAndAnswer = tuple[str, str]


def add(random: Random) -> QuestionAndAnswer:
    bound = random.choice([10, 100, 1000, 1000])
    a, b = random.randrange(bound), random.randrange(bound)
    form = random.choice(["What is {} + {}?", "{} + {} =", "Add {} and {}."])
    return form.format(a, b), str(a + b)


def subtract(random: Random) -> QuestionAndAnswer:
    bound = random.choice([10, 100, 1000, 1000])
    a, b = random.randrange(bound), random.randrange(bound)
    a, b = max(a, b), min(a, b)
    form = random.choice(["What is {} - {}?", "{} - {} =", "Take {1} from {0}."])
    return form.format(a, b), str(a - b)


def multiply(random: Random) -> QuestionAndAnswer:
    a, b = random.randrange(13), random.randrange(13)
    return random.choice(["What is {} * {}?", "{} times {}?"]).format(a, b), str(a * b)


def reverse(random: Random) -> QuestionAndAnswer:
    letters = [random.choice(LETTERS) for _ in range(random.randint(3, 12))]
    return "Reverse: " + " ".join(letters), " ".join(reversed(letters))


def sort(random: Random) -> QuestionAndAnswer:
    count = random.randint(3, 8)
    numbers = [random.randrange(random.choice([10, 100, 1000])) for _ in range(count)]
    return "Sort: " + " ".join(map(str, numbers)), " ".join(map(str, sorted(numbers)))


def larger(random: Random) -> QuestionAndAnswer:
    a, b = random.sample(range(1000), 2)
    return f"Which is larger, {a} or {b}?", str(max(a, b))


def day(random: Random) -> QuestionAndAnswer:
    start, distance = random.randrange(7), random.randint(1, 9)
    question = f"What day comes {distance} days after {DAYS[start]}?"
    return question, DAYS[(start + distance) % 7] + "."


def write_json(random: Random) -> QuestionAndAnswer:
    name, captain = random.choice(HEROES), random.choice(HEROES)
    count, thing = random.randint(1, 99), random.choice(THINGS) + "s"
    question = f"Write JSON: name {name}, captain {captain}, {thing} {count}."
    return question, json.dumps({"name": name, "captain": captain, thing: count})


def fact(random: Random) -> QuestionAndAnswer:
    return random.choice(FACTS)


def count(random: Random) -> QuestionAndAnswer:
    things = random.sample(THINGS, 3)
    row = [random.choice(things) for _ in range(random.randint(3, 12))]
    question = f"How many times does {things[0]} appear: " + " ".join(row)
    return question, str(row.count(things[0]))


def copy(random: Random, corpus: Corpus) -> QuestionAndAnswer:
    sentence = random.choice(corpus.sentences)
    return "Repeat: " + sentence, sentence


def key(random: Random, corpus: Corpus, filler_tokens: int = 0) -> QuestionAndAnswer:
    """Asks for one of several keys, hidden among up to `filler_tokens` (roughly) of sentences."""
    number = random.randint(2, 8)
    owners = random.sample(HEROES, number)
    keys = [random.randrange(1000, 10000) for _ in owners]
    lines = [f"The key of {owner} is {key}." for owner, key in zip(owners, keys)]
    if filler_tokens > 0:
        lines = scatter(random, lines, among=filler(random, corpus, filler_tokens))
    asked = random.randrange(number)
    return " ".join(lines) + f" What is the key of {owners[asked]}?", str(keys[asked])


def filler(random: Random, corpus: Corpus, tokens: int) -> list[str]:
    """Sentences that come to between 100 and `tokens` tokens, at four characters each."""
    characters = random.randint(100, tokens) * 4
    chosen = []
    while characters > 0:
        sentence = random.choice(corpus.sentences)
        chosen.append(sentence)
        characters -= len(sentence)
    return chosen


def scatter(random: Random, lines: list[str], among: list[str]) -> list[str]:
    """Puts each line at a random place among the others."""
    for line in lines:
        among.insert(random.randint(0, len(among)), line)
    return among


def tale(random: Random, corpus: Corpus) -> QuestionAndAnswer | None:
    """A paragraph about a hero; nothing when the paragraphs looked at do not name the hero."""
    hero = random.choice(HEROES)
    fitting = [text for text in random.sample(corpus.paragraphs, 60) if hero in text]
    paragraph = random.choice(fitting or [None])
    if paragraph is None:
        return None
    question = random.choice(["Tell me about {}.", "Tell a tale of {}."]).format(hero)
    return question, paragraph[:900].rsplit(". ", 1)[0] + "."


# Every kind with its share in a hundred or so, and what makes it.
Maker = Callable[[Random, Corpus, int], QuestionAndAnswer | None]
KINDS: dict[str, tuple[int, Maker]] = {
    "add": (14, lambda random, corpus, limit: add(random)),
    "sub": (10, lambda random, corpus, limit: subtract(random)),
    "mul": (4, lambda random, corpus, limit: multiply(random)),
    "reverse": (7, lambda random, corpus, limit: reverse(random)),
    "sort": (9, lambda random, corpus, limit: sort(random)),
    "larger": (3, lambda random, corpus, limit: larger(random)),
    "day": (3, lambda random, corpus, limit: day(random)),
    "copy": (8, lambda random, corpus, limit: copy(random, corpus)),
    "json": (7, lambda random, corpus, limit: write_json(random)),
    "fact": (3, lambda random, corpus, limit: fact(random)),
    "key": (8, lambda random, corpus, limit: key(random, corpus)),
    "keylong": (9, lambda random, corpus, limit: key(random, corpus, limit)),
    "count": (5, lambda random, corpus, limit: count(random)),
    "tale": (10, lambda random, corpus, limit: tale(random, corpus)),
}


def draw(random: Random, corpus: Corpus, limit: int = 1500) -> Task:
    """One task of a random kind; `limit` is roughly how many tokens its question may take."""
    weights = [weight for weight, _ in KINDS.values()]
    while True:
        kind = random.choices(list(KINDS), weights)[0]
        made = KINDS[kind][1](random, corpus, limit)
        if made is not None:
            return Task(kind, *made)


def draw_of_kind(random: Random, corpus: Corpus, kinds: dict[str, int]) -> list[Task]:
    """As many tasks of each kind as asked for, in the order they were drawn."""
    wanted, found = dict(kinds), []
    while any(wanted.values()):
        task = draw(random, corpus)
        if wanted.get(task.kind, 0) > 0:
            wanted[task.kind] -= 1
            found.append(task)
    return found


def question_text(task: Task) -> str:
    """The chat up to where the answer begins, as the template writes it."""
    return f"<|begin|><|user|>{task.question}<|end|><|assistant|>"


def chat_text(task: Task) -> str:
    """The whole chat, as the template writes it."""
    return f"{question_text(task)}{task.answer}<|end|>"
