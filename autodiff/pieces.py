"""Long generated code in pieces: functions of a few hundred lines that hand each other the names that live on.

Python's compiler handles a function of 10⁵ lines in linear time on some versions only, and a frame with a variable for
every line is never small. A value travels from the piece that makes it to each piece that reads it, once: no more
handing over than there are reads.
"""

from __future__ import annotations

import re

LENGTH = 400                         # lines of a piece
LIMIT = 1000                         # lines that stay one function
_NAME = re.compile(r"\b(?:[tx]|L[tx])\d+\b")


def body(lines: list[str], arguments: list[str], result: str, indent: str) -> str:
    """The function run(*arguments) that does `lines` and returns `result`, whole or in pieces."""
    if len(lines) <= LIMIT:
        return _define("run", arguments, [*lines, f"return {result}"], indent)
    chunks = [lines[k:k + LENGTH] for k in range(0, len(lines), LENGTH)]
    chunks[-1] = [*chunks[-1], f"return {result}"]
    given = set(arguments)
    made: dict[str, int] = {}        # name -> the piece that makes it
    reads: list[dict[int, list[str]]] = []           # of each piece: maker -> names
    asked: list[list[str]] = []                      # of each piece: arguments of the whole
    hands: list[dict[int, list[str]]] = [{} for _ in chunks]      # of each piece: reader -> names
    for number, chunk in enumerate(chunks):
        names = dict.fromkeys(name for line in chunk for name in _NAME.findall(line))
        reads.append({})
        asked.append([name for name in names if name in given])
        for name in names:
            if name not in given and made.setdefault(name, number) != number:
                reads[number].setdefault(made[name], []).append(name)
                hands[made[name]].setdefault(number, []).append(name)
    text, calls = "", []
    for number, chunk in enumerate(chunks):
        parcels = [f"s{maker}_{number}" for maker in reads[number]]
        unpack = [f"{', '.join(names)}, = {parcel}" for parcel, names in zip(parcels, reads[number].values())]
        clear = [f"{parcel}.clear()" for parcel in parcels]      # the piece alone holds what it was handed
        end = [] if number == len(chunks) - 1 else [
            "return (" + "".join(f"[{', '.join(names)}], " for names in hands[number].values()) + ")"]
        text += _define(f"piece{number}", asked[number] + parcels, [*unpack, *clear, *chunk, *end], indent)
        targets = "".join(f"s{number}_{reader}, " for reader in hands[number])
        call = f"piece{number}({', '.join(asked[number] + parcels)})"
        calls.append(f"{targets}= {call}" if targets else call)
    calls[-1] = f"return {calls[-1]}"
    return text + _define("run", arguments, calls, indent)


def _define(name: str, arguments: list[str], lines: list[str], indent: str) -> str:
    return f"{indent}def {name}({', '.join(arguments)}):\n" + "".join(f"{indent}    {line}\n" for line in lines)
