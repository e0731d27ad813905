"""Requests of unlike lengths as one batch: rows with the same prefix in groups of one size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .request import Request

GROUPS = (64, 32, 16, 8, 4, 2, 1)
WASTE = 1.25
"""How many rows may be computed for one that is asked for, so that groups are of one size."""


@dataclass(frozen=True)
class Batch:
    """`prefixes[u]` is a distinct prefix, int64 [P_u]; `prefix_of[g]` the one of group g; `cells[g * group_size + i]` the
    (request, row) of that cell; cells that fill a group up repeat its first row."""

    prefixes: list[NDArray[np.int64]]
    prefix_of: list[int]
    group_size: int
    cells: list[tuple[int, int]]
    prefix_of_row: list[list[int]]


def arrange(requests: Sequence[Request], round_up) -> Batch:
    """`round_up`: of a number of groups, to one for which a graph may exist already; the last group is then repeated."""
    prefixes: list[NDArray[np.int64]] = []
    known: dict[bytes, int] = {}
    members: list[list[tuple[int, int]]] = []
    prefix_of_row: list[list[int]] = []
    for r, request in enumerate(requests):
        prefix_of_row.append([])
        for row, tokens in enumerate(request.tokens):
            u = known.setdefault(tokens.tobytes(), len(prefixes))
            if u == len(prefixes):
                prefixes.append(tokens)
                members.append([])
            prefix_of_row[r].append(u)
            if request.generate:
                members[u].append((r, row))
    rows = sum(map(len, members))

    def groups(size: int) -> int:
        return sum(-(-len(m) // size) for m in members)

    size = next(g for g in GROUPS if g == 1 or groups(g) * g <= max(rows * WASTE, 1) and g <= max(map(len, members)))
    prefix_of, cells = [], []
    for u, rows_of in enumerate(members):
        for begin in range(0, len(rows_of), size):
            part = rows_of[begin : begin + size]
            prefix_of.append(u)
            cells += part + part[:1] * (size - len(part))
    if cells:
        missing = round_up(len(prefix_of)) - len(prefix_of)
        prefix_of += prefix_of[-1:] * missing
        cells += cells[-size:] * missing
    return Batch(prefixes, prefix_of, size, cells, prefix_of_row)
