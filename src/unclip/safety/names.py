"""People whom a prompt may not name: public figures, and artists whose style is theirs to give.

`people.tsv` and `artists.tsv` are lists that an operator edits: name, birth, death, what they are,
and other names between bars. A name that is a common word too ends in `?`, and counts only beside a
word for what the person is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from unclip.errors import InvalidArgument

FOLDER = Path(__file__).parent / "names"
FIGURE, ARTIST, UNSURE, FREE = "public figure", "living artist", "unsure figure", "benign"
_COLUMNS = ("name", "born", "died", "role", "aliases")


@dataclass(frozen=True)
class Person:
    """Somebody on a list; a year that is not known or has not come is None.

    Args:
        names: all that they go by, the first one included; `?` ends one that is a common word too.
    """

    name: str
    born: int | None
    died: int | None
    role: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Gazetteer:
    """Both lists.

    Args:
        date: day to which they were brought.
        figures, artists: as listed, the dead included.
    """

    date: str
    figures: tuple[Person, ...]
    artists: tuple[Person, ...]

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Gazetteer:
        """Read both lists. Raises `InvalidArgument` where a line is not as it should be."""
        date, figures = read_people(folder / "people.tsv")
        also, artists = read_people(folder / "artists.tsv")
        return cls(max(date, also), figures, artists)

    def terms(self, history_years: int) -> Iterator[tuple[str, str, Person]]:
        """Group, name and person, for a lexicon; the history of so many years ago is free."""
        today = int(self.date[:4])
        for person in self.figures:
            past = person.died is not None and person.died < today - history_years
            for name in person.names:
                group = UNSURE if name.endswith("?") else FIGURE
                yield FREE if past else group, name.removesuffix("?"), person
        for person in self.artists:
            for name in person.names:
                yield ARTIST if person.died is None else FREE, name.removesuffix("?"), person


def read_people(path: Path) -> tuple[str, tuple[Person, ...]]:
    """The date of a list and its people.

    Raises:
        InvalidArgument: the file is absent, undated, or a line is not as it should be.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InvalidArgument("names", f"{path} cannot be read: {error}") from None
    notes = [line for line in lines if line.startswith("#")]
    dates = [note.removeprefix("# date ") for note in notes if note.startswith("# date ")]
    if not dates:
        raise InvalidArgument("names", f"{path} must have a line `# date YYYY-MM-DD`")
    rows = [line for line in lines if line.strip() and not line.startswith("#")]
    return dates[0], tuple(_person(path, row) for row in rows)


def _person(path: Path, row: str) -> Person:
    fields = dict(zip(_COLUMNS, row.split("\t"), strict=False))
    try:
        name, role = fields["name"].strip(), fields["role"].strip()
        born, died = _year(fields["born"]), _year(fields["died"])
    except (KeyError, ValueError):
        raise InvalidArgument(
            "names", f"{path}: {row!r} must be {', '.join(_COLUMNS)} between tabs"
        ) from None
    if not name or role not in SOFTER:
        raise InvalidArgument("names", f"{path}: {row!r} must say one of {', '.join(SOFTER)}")
    names = tuple(a.strip() for a in (name, *fields.get("aliases", "").split("|")) if a.strip())
    return Person(name.removesuffix("?"), born, died, role, names)


def _year(text: str) -> int | None:
    return int(text) if text.strip() else None


SOFTER: Mapping[str, str] = {
    "politician": "a politician",
    "royal": "a royal",
    "actor": "an actor",
    "musician": "a musician",
    "athlete": "an athlete",
    "business": "a business person",
    "media": "a television presenter",
    "writer": "a writer",
    "religious": "a religious leader",
    "activist": "an activist",
    "scientist": "a scientist",
    "painter": "a contemporary painter",
    "illustrator": "a contemporary illustrator",
    "photographer": "a contemporary photographer",
    "comics": "a contemporary comic artist",
    "animation": "a contemporary animator",
    "street": "a street artist",
    "sculptor": "a contemporary sculptor",
    "concept": "a contemporary concept artist",
    "digital": "a contemporary digital artist",
    "designer": "a contemporary designer",
}
"""What stands for a name in a prompt made softer, by role."""
