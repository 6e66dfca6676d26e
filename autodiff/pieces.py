"""The source of generated code; long code in pieces: functions of a hundred lines that hand on the names that live.

Python's compiler handles a function of 10⁵ lines in linear time on some versions only, one with 10⁴ variables of an
enclosing function on none, and a frame with a variable for every line is never small. A value travels from the piece
that makes it to each piece that reads it, once: no more handing over than there are reads.
"""

from __future__ import annotations

import re

LENGTH = 100                         # lines of a piece: with few names, which makes each a little faster
LIMIT = 1000                         # lines that stay one function
_VALUE = re.compile(r"(?:[tx]|L[tx])\d+$")
_NAME = re.compile(r"\b[A-Za-z]\w*")


def source(buffers: list[str], lines: list[str], arguments: list[str], result: str) -> str:
    """build(makers), which makes `buffers` and returns run(*arguments): `lines`, and then `result`.

    makers : the functions that stand before it, one a piece.
    """
    if len(lines) <= LIMIT:
        return _build(buffers, _define("run", arguments, [*lines, f"return {result}"]))
    chunks = [lines[k:k + LENGTH] for k in range(0, len(lines), LENGTH)]
    chunks[-1] = [*chunks[-1], f"return {result}"]
    given, storage = set(arguments), {line.partition(" = ")[0] for line in buffers}
    made: dict[str, int] = {}                         # name -> the piece that makes it
    hands: list[dict[int, list[str]]] = [{} for _ in chunks]      # of each piece: reader -> names
    pieces = []                                       # (buffers, arguments of the whole, maker -> names)
    for number, chunk in enumerate(chunks):
        reads: dict[int, list[str]] = {}
        names = dict.fromkeys(name for line in chunk for name in _NAME.findall(line))
        for name in names:
            if _VALUE.match(name) and name not in given and made.setdefault(name, number) != number:
                reads.setdefault(made[name], []).append(name)
                hands[made[name]].setdefault(number, []).append(name)
        pieces.append(([n for n in names if n in storage], [n for n in names if n in given], reads))
    text, calls, makes = "", [], []
    for number, (chunk, (own, asked, reads)) in enumerate(zip(chunks, pieces, strict=True)):
        parcels = [f"s{maker}_{number}" for maker in reads]
        unpack = [f"{', '.join(names)}, = {parcel}" for parcel, names in zip(parcels, reads.values())]
        clear = [f"{parcel}.clear()" for parcel in parcels]      # the piece alone holds what it was handed
        end = [] if number == len(chunks) - 1 else [
            "return (" + "".join(f"[{', '.join(names)}], " for names in hands[number].values()) + ")"]
        inner = [*_define(f"piece{number}", asked + parcels, unpack + clear + chunk + end), f"return piece{number}"]
        text += "\n".join(_define(f"make{number}", own, inner)) + "\n"
        makes.append(f"piece{number} = makers[{number}]({', '.join(own)})")
        targets = "".join(f"s{number}_{reader}, " for reader in hands[number])
        call = f"piece{number}({', '.join(asked + parcels)})"
        calls.append(f"{targets}= {call}" if targets else call)
    calls[-1] = f"return {calls[-1]}"
    return text + _build([*buffers, *makes], _define("run", arguments, calls))


def _build(first: list[str], run: list[str]) -> str:
    return "\n".join(_define("build", ["makers"], [*first, *run, "return run"])) + "\n"


def _define(name: str, arguments: list[str], lines: list[str]) -> list[str]:
    return [f"def {name}({', '.join(arguments)}):", *[f"    {line}" for line in lines]]
