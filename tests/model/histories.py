"""Random histories: what people do to several calls at once, as lists of acts. Nothing impossible is drawn."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.model import acts as a
from tests.model.acts import Act
from tests.model.conversations import LENGTHS, LINES, OUTSIDE, Conversation


class Writer(Conversation):
    """Writes one call, from the first ring to its end."""

    def write(self) -> list[Act]:
        kind = self.draw(st.integers(0, 9))
        if kind == 0:
            self.own_call()
            return self.acts
        shown = "anonymous" if self.draw(st.integers(0, 5)) == 0 else self.shown
        self.act(a.Calls, self.one(*LINES), shown)
        ways = [self.rings_group, self.in_menu, self.in_queue, self.hears_announcement, self.rings_mobile]
        self.one(*ways, self.finds_no_circuit)()
        return self.acts

    def own_call(self) -> None:
        """A member of staff, who has no caller on hold (that would be a consultation), calls somebody."""
        phone, outside = self.own_phone, self.one(True, False)
        to = OUTSIDE if outside else self.phone()
        self.act(a.Calls, "9" + to if outside else to, "", phone)
        self.act(a.Tries, (to,))
        if self.one("rings", "rings", "busy") == "busy":
            self.act(a.Refuses, to, "busy")
            self.act(a.Ended, "busy")
            return
        self.act(self.one(a.Rings, a.PlaysAhead) if self.early_media else a.Rings, to)
        self.wait(LENGTHS)
        if self.one(True, False):
            self.act(a.PicksUp, to)
            self.wait()
        self.hangs_up()

    # Before anybody answers.

    def hears_announcement(self) -> None:
        if self.one(True, False):
            self.act(a.LineUp, "announcement")
        self.wait()
        self.act(a.Ended, "played")

    def finds_no_circuit(self) -> None:
        """The line is sent to an outside number, and the trunk is full."""
        self.act(a.Tries, (OUTSIDE,))
        self.act(a.Refuses, OUTSIDE, "congested")
        self.act(a.Ended, "congested") if self.one(True, False) else self.in_box()

    def in_menu(self) -> None:
        self.act(a.LineUp, "menu")
        self.now += self.draw(st.integers(1_000, 12_000))
        what = self.one("chooses", "chooses", "nothing", "leaves", "box", "over")
        if what == "leaves":
            self.hangs_up()
        elif what == "over":
            self.act(a.Ended, "played")
        elif what == "box":
            self.in_box()
        else:
            if what == "chooses":
                self.act(a.Chooses, self.one("fr", "en"))
            self.rings_group()

    def in_queue(self) -> None:
        music = self.one(True, False)
        if music:
            self.act(a.LineUp, "queue")
            self.now += self.draw(st.sampled_from((0, 500)))
        self.act(a.Queues)
        if self.one(False, True):
            self.wait()  # nobody is free yet
        for _ in range(self.draw(st.integers(0, 3))):
            member = self.phone()
            self.act(a.Tries, (member,), "queue")
            self.act(a.Rings, member)
            begun = self.now
            self.wait(LENGTHS)
            what = self.one("time", "time", "answers", "answers", "leaves")
            if what == "answers":
                self.act(a.PicksUp, member)
                self.talks(member)
                return
            if what == "leaves":
                self.hangs_up()
                return
            self.dial_over(begun)
            if self.one(*[False] * 3, True):  # its time is over together with this phone's
                break
            self.now += 1_000
        else:
            self.now += self.draw(st.integers(0, 2_000))
        if music and self.one(True, False):
            self.wait(LENGTHS)
            self.hangs_up()
            return
        self.act(a.QueueOver)
        self.in_box() if self.one(True, True, False) else self.act(a.Ended, "played")

    def rings_mobile(self) -> None:
        """An outside telephone behind a Local channel; who picks up is asked to accept the call."""
        self.act(a.Tries, (OUTSIDE,), "local")
        self.act(a.Rings, OUTSIDE)
        self.wait(LENGTHS)
        if self.one(True, False, False):
            self.hangs_up()
            return
        self.act(a.PicksUp, OUTSIDE)
        self.now += self.draw(st.integers(1_000, 8_000))
        accepts = self.one(True, False)
        self.act(a.Confirms, OUTSIDE, accepts)
        if not accepts:
            self.in_box()
            return
        self.wait()
        self.hangs_up(self.one("caller", OUTSIDE))

    def rings_group(self) -> None:
        """Phones ring together, or one after the other."""
        for _ in range(self.draw(st.integers(1, 3))):
            if self.stage(self.one("", "", "", "local", "optimised")):
                return
        all_busy = all(isinstance(act, a.Refuses) and act.how == "busy" for act in self.refusals())
        if all_busy and self.refusals():
            self.act(a.Ended, "busy") if self.one(True, False) else self.in_box()
        else:
            self.in_box() if self.one(True, True, False) else self.act(a.Ended, self.why())

    def why(self) -> str:
        tried = [act for act in self.acts if isinstance(act, a.Tries)]
        return "unreachable" if not tried[-1].phones else "played"

    def refusals(self) -> list[Act]:
        """What came of each phone that was tried."""
        phones = [phone for act in self.acts if isinstance(act, a.Tries) for phone in act.phones]
        ends = [act for act in self.acts if isinstance(act, a.Refuses)]
        return list(ends) if len(ends) == len(phones) else [a.Act(0.0)]

    def stage(self, through: str) -> bool:
        """One dial; True when the call needs nothing more."""
        phones = [self.phone() for _ in range(self.draw(st.integers(0 if not through else 1, 3)))]
        self.act(a.Tries, tuple(phones), through if phones else "")
        if not phones:
            return False
        if not through and self.one(*[False] * 6, True):
            return self.silent_stage()
        if through:
            return self.ringing_stage(phones, through)
        ringing = [phone for phone in phones if not self.refuses_at_once(phone)]
        return self.ringing_stage(ringing, through) if ringing else False

    def silent_stage(self) -> bool:
        """No phone says anything: nobody there is registered any more."""
        self.now += 2_100 + self.draw(LENGTHS)
        leaves = self.one(True, False)
        self.hangs_up() if leaves else self.act(a.DialOver)
        return bool(leaves)

    def refuses_at_once(self, phone: str) -> bool:
        if self.one(*[False] * 5, True):
            self.act(a.Refuses, phone, "busy")
            return True
        return False

    def ringing_stage(self, phones: list[str], through: str) -> bool:
        start = self.now
        for phone in phones:
            ahead = self.early_media and not through and self.one(*[False] * 9, True)
            self.act(a.PlaysAhead if ahead else a.Rings, phone)
        if not through and self.one(*[False] * 5, True):
            phones = self.forwarded(phones)
            through = "forward"
        elif not through and len(phones) > 1 and self.one(False, False, True):
            self.now += self.draw(st.integers(500, 5_000))
            self.act(a.Refuses, phones.pop(), "declined")
        self.now = max(self.now + 1, start + self.draw(LENGTHS))
        what = self.one("answers", "answers", "answers", "leaves", "time", "time")
        if what == "answers":
            self.answers(phones, through)
            return True
        if what == "leaves":
            self.hangs_up()
            return True
        self.dial_over(start)
        return False

    def forwarded(self, phones: list[str]) -> list[str]:
        self.now += self.draw(st.one_of(st.just(0), st.integers(2_100, 5_000)))
        to = self.phone()
        self.act(a.Forwards, phones[0], to)
        self.act(a.Rings, to)
        return [to, *phones[1:]]

    def answers(self, phones: list[str], through: str) -> None:
        phone = self.one(*phones)
        if not through and self.now > self.acts[0].at * 1000 + 600 and self.one(*[False] * 4, True):
            taker = self.phone()
            self.now += 501
            self.act(a.TakesFrom, taker, phone)
            self.talks(taker)
            return
        self.act(a.PicksUp, phone)
        plain = through in ("", "optimised") or phone != phones[0]
        if through == "local" or (through == "forward" and not plain):
            self.wait()
            self.hangs_up(self.one("caller", phone))
        else:
            self.talks(phone)


@st.composite
def calls(draw: Any, most: int = 4, early_media: bool = True) -> list[list[Act]]:
    """Calls that begin within a minute of each other."""
    shared = draw(st.booleans())
    count = draw(st.integers(1, most))
    begins = [draw(st.integers(0, 60_000)) for _ in range(count)]
    return [Writer(draw, n, at, shared, early_media).write() for n, at in enumerate(begins)]


# When the cable is pulled and put back, in thousandths of a history's messages; whether answers' times are told.
pulls = st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999), st.booleans()), min_size=1, max_size=2)
