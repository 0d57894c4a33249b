"""What a person may do with the caller, drawn at random; and what all writers of acts share.

Lengths of time are drawn from the moments that matter (the end of a ring, of the third, of a dial's 24 s) and
their neighbours as well as from all others.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.model import acts as a
from tests.model.acts import Act

EDGES = (5_999, 6_000, 11_999, 12_000, 17_999, 18_000, 18_001, 23_499, 23_500, 23_999, 24_000, 24_020, 29_999)
LENGTHS = st.one_of(st.integers(1, 40_000), st.sampled_from(EDGES))
SHORT = st.integers(2_100, 9_000)  # nobody answers and hands on within two seconds
LINES = ("4163272422", "18002677329", "4163250866", "18668532137", "4163270374", "8662146820")
OUTSIDE = "6475550190"


class Conversation:
    """Writes one call. `phones` are extensions that nobody else uses, unless they are shared."""

    def __init__(self, draw: Any, number: int, begins: int, shared: bool, early_media: bool) -> None:
        self.draw = draw
        self.now = begins
        self.shared, self.early_media = shared, early_media
        self.shown = f"41655501{number:02d}"
        self.own_phone = str(190 + number)
        base = 100 if shared else 110 + 20 * number
        self.free = [str(base + n) for n in range(1, 19)]
        self.acts: list[Act] = []

    def one(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def wait(self, lengths: st.SearchStrategy[int] = SHORT) -> None:
        self.now += self.draw(lengths)

    def act(self, kind: type[Act], *more: Any) -> None:
        self.acts.append(kind(self.now / 1000, *more))

    def hangs_up(self, who: str = "caller", message: bool = False) -> None:
        """Now and then the dialplan has something to clear up afterwards."""
        clears = self.draw(st.sampled_from((0, 0, 0, 40, 700, 3_000)))
        self.act(a.HangsUp, who, message, clears / 1000)

    def dial_over(self, begun: int) -> None:
        """No dial's time is shorter than two seconds."""
        self.now = max(self.now, begun + 2_100)
        self.act(a.DialOver)

    def phone(self) -> str:
        """A phone that this call has not used yet."""
        return self.free.pop(self.draw(st.integers(0, len(self.free) - 1)) if self.shared else 0)

    def in_box(self) -> None:
        self.act(a.Voicemail, self.one("500", "504"))
        self.now += self.draw(st.integers(2_000, 30_000))
        self.hangs_up("caller", self.one(True, False))

    # A person has the caller.

    def talks(self, person: str) -> None:
        """Until somebody hangs up, the person does this and that with the caller."""
        for _ in range(self.draw(st.integers(0, 3))):
            self.wait()
            what = self.one(self.holds, self.sends_off, self.consults, self.parks, self.redirects)
            now = what(person)
            if now is None:
                return
            person = now
        self.wait()
        self.hangs_up(self.one("caller", person))

    def holds(self, person: str) -> str | None:
        self.act(a.Holds)
        self.wait()
        if self.one(*[True] * 5, False):
            self.act(a.Resumes)
            return person
        self.hangs_up(self.one("caller", person))
        return None

    def sends_off(self, person: str) -> str | None:
        how = self.one("refer", "keys")
        if how == "keys":
            self.act(a.Holds)
            self.now += 2_700
        to = self.one("phone", "phone", "phone", "phone", "box", "nobody", "outside")
        if to == "box":
            self.act(a.SendsOff, "500", how)
            self.in_box()
            return None
        if to == "nobody":
            self.act(a.SendsOff, self.phone(), how)
            self.act(a.Tries, ())
            self.act(a.Ended, "unreachable")
            return None
        number = OUTSIDE if to == "outside" else self.phone()
        self.act(a.SendsOff, "9" + OUTSIDE if to == "outside" else number, how)
        return self.goes_to(number)

    def redirects(self, person: str) -> str | None:
        to = self.phone()
        self.act(a.Redirects, to)
        if self.one(*[False] * 4, True):  # there is no such extension
            self.act(a.Ended, "played")
            return None
        return self.goes_to(to)

    def goes_to(self, to: str) -> str | None:
        """The caller is on the way to a phone: it rings, or is busy."""
        self.act(a.Tries, (to,))
        if self.one(*[False] * 4, True):
            self.act(a.Refuses, to, "busy")
            self.act(a.Ended, "refused")
            return None
        self.act(a.Rings, to)
        self.wait(LENGTHS)
        return self.new_person(to)

    def new_person(self, to: str) -> str | None:
        what = self.one("answers", "answers", "answers", "declines", "time", "leaves", "taken", "forwards")
        if what == "answers" or to == OUTSIDE:
            self.act(a.PicksUp, to)
            return self.only_talks(to) if to == OUTSIDE else to
        if what == "leaves":
            self.hangs_up()
            return None
        if what == "taken":
            taker = self.phone()
            self.now += 501
            self.act(a.TakesFrom, taker, to)
            return taker
        if what == "forwards":
            other = self.phone()
            self.act(a.Forwards, to, other)
            self.act(a.Rings, other)
            self.wait()
            self.act(a.PicksUp, other)
            return self.only_talks(other)  # a Local channel stays between
        self.act(a.Refuses, to, "declined") if what == "declines" else self.act(a.DialOver)
        self.in_box() if self.one(True, False) else self.act(a.Ended, "played")
        return None

    def only_talks(self, person: str) -> str | None:
        """Until one of them hangs up; nobody is left."""
        self.wait()
        self.hangs_up(self.one("caller", person))
        return None

    def consults(self, person: str) -> str | None:
        how, to = "keys" if self.shared else self.one("line", "keys"), self.phone()
        self.act(a.Holds)
        self.wait()
        self.act(a.Consults, to, how)
        self.act(a.Rings, to)
        self.wait()
        if self.one(True, True, False):
            self.act(a.PicksUp, to)
            self.wait()
            joins = self.one(True, False)
            self.act(a.Joins) if joins else self.act(a.TakesBack)
            if joins and how == "keys":  # a Local channel stays between
                return self.only_talks(to)
            return to if joins else person
        if self.one(True, False):
            self.act(a.TakesBack)
            return person
        self.act(a.HandsOver)
        self.wait()
        return self.new_person(to) if how == "line" else self.taken_or_called_back(person, to)

    def taken_or_called_back(self, person: str, to: str) -> str | None:
        if self.one(True, False):
            self.act(a.PicksUp, to)
            return self.only_talks(to)
        self.act(a.CallsBack)
        self.act(a.Rings, person)
        self.wait()
        self.act(a.PicksUp, person)
        return person

    def parks(self, person: str) -> str | None:
        self.act(a.Parks, self.one("keys", "refer"))
        self.now += 2_600
        self.act(a.LetsGo, self.one(False, True))
        self.wait(LENGTHS)
        what = self.one("retrieved", "retrieved", "left", "over")
        if what == "left":
            self.hangs_up()
            return None
        if what == "retrieved":
            phone = self.phone()
            self.now += 501
            self.act(a.Retrieves, phone)
            return phone
        self.act(a.ParkingOver)
        self.act(a.Tries, (person,))
        self.act(a.Rings, person)
        self.wait()
        self.act(a.PicksUp, person)
        return person
