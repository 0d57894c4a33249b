"""What was recorded, made wrong: by bytes, by lines, by whole messages. Pure but for the given chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

# Values at which programs break, and what has a meaning in one of the three languages.
ODD = (
    *(b"", b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b":", b": ", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80"),
    *(b"0", b"-1", b"1e309", b"nan", b"inf", b"99999999999999999999", b"1795527733.217087"),
    *(b"2026-11-01 01:30:00", b"9999-12-31 23:59:59", b"0001-01-01", b"<unknown>", b"s", b"*", b"24:00"),
    *(b"Local/1@x-0;1", b"PJSIP/101-00000001", b"Up", b"Ring", b"Down", b"4", b"6", b"a" * 300, b"%s", b"\\"),
    *(b"{", b"}", b"[", b"]", b'"', b'""', b"'", b",", b"=", b"\xef\xbb\xbf", b"true", b"false", b"400d", b"-5s"),
    *("é".encode(), "\u2028".encode(), "𝟙٣".encode(), b"08:30-17:00", b"9223372036854775808", b"[x]", b"1e400"),
    *(b"[]", b"{}", b'[""]', b"2026-02-30", b"2026-12-24", b'"0000-00-00"', b'"24:00-08:00"', b'"999999999d"'),
    *(b'"\\u0000"', b'"416 555-0100"', b'"+"', b"[[1, [2]]]", b"{ a = { b = 1 } }"),
)  # fmt: skip
MOST = 64 * 1024

Step = Callable[[bytes], bytes]


class Mutation:
    """`mark` parts the text into what is moved as a whole: a message of AMI, a line of the others."""

    def __init__(self, chance: Random, seeds: Sequence[bytes], mark: bytes) -> None:
        self._chance, self._mark = chance, mark
        self.seeds = list(seeds)
        self._steps: tuple[Step, ...] = (
            *(self._flip, self._cut, self._odd, self._twice, self._value, self._value, self._other_value),
            *(self._drop, self._repeat, self._swap, self._swap, self._splice, self._splice),
        )

    def next(self) -> bytes:
        data = self._piece(self._chance.choice(self.seeds))
        for _ in range(self._chance.choice((1, 1, 2, 3, 5, 9))):
            data = self._chance.choice(self._steps)(data)
        return data[:MOST]

    def _piece(self, seed: bytes) -> bytes:
        """All of a short one; of a long one some parts in a row, mostly from its beginning on."""
        parts = seed.split(self._mark)
        begin = 0 if self._chance.random() < 0.7 else self._chance.randrange(len(parts))
        return self._mark.join(parts[begin : begin + self._chance.choice((20, 60, 200))])[:MOST]

    def _span(self, data: bytes, longest: int) -> tuple[int, int]:
        begin = self._chance.randrange(len(data) + 1)
        return begin, min(len(data), begin + self._chance.randrange(1, longest))

    def _flip(self, data: bytes) -> bytes:
        begin, end = self._span(data, 2)
        return data[:begin] + bytes(self._chance.randrange(256) for _ in range(begin, end)) + data[end:]

    def _cut(self, data: bytes) -> bytes:
        begin, end = self._span(data, 400)
        return data[:begin] + data[end:]

    def _odd(self, data: bytes) -> bytes:
        begin, end = self._span(data, 8)
        return data[:begin] + self._chance.choice(ODD) + data[end if self._chance.random() < 0.5 else begin :]

    def _twice(self, data: bytes) -> bytes:
        begin, end = self._span(data, 400)
        return data[:end] + data[begin:end] * self._chance.choice((1, 1, 1, 30)) + data[end:]

    def _value(self, data: bytes) -> bytes:
        """What stands after a field's name."""
        begin, end = self._field(data)
        return data[:begin] + self._chance.choice(ODD) + data[end:]

    def _other_value(self, data: bytes) -> bytes:
        """What stands elsewhere, here."""
        begin, end = self._field(data)
        a, b = self._field(data)
        return data[:begin] + data[a:b] + data[end:]

    def _field(self, data: bytes) -> tuple[int, int]:
        begin = max(data.find(sign, self._chance.randrange(len(data) + 1)) for sign in (b": ", b',"', b" = "))
        if begin < 0:
            return self._span(data, 20)
        ends = [end for end in (data.find(sign, begin + 2) for sign in (b"\r", b"\n", b'"')) if end >= 0]
        return begin + 2, min(ends, default=len(data))

    def _parts(self, data: bytes) -> list[bytes]:
        return data.split(self._mark)

    def _drop(self, data: bytes) -> bytes:
        parts = self._parts(data)
        del parts[self._chance.randrange(len(parts))]
        return self._mark.join(parts)

    def _repeat(self, data: bytes) -> bytes:
        parts = self._parts(data)
        parts.insert(self._chance.randrange(len(parts) + 1), self._chance.choice(parts))
        return self._mark.join(parts)

    def _swap(self, data: bytes) -> bytes:
        parts = self._parts(data)
        one, other = (self._chance.randrange(len(parts)) for _ in range(2))
        parts[one], parts[other] = parts[other], parts[one]
        return self._mark.join(parts)

    def _splice(self, data: bytes) -> bytes:
        """Some of another recording in the middle."""
        parts, other = self._parts(data), self._parts(self._chance.choice(self.seeds))
        begin, at = self._chance.randrange(len(other)), self._chance.randrange(len(parts) + 1)
        parts[at:at] = other[begin : begin + self._chance.choice((1, 3, 10))]
        return self._mark.join(parts)
