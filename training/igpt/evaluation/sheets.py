"""Contact sheets of pictures that a model drew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..data.palette import Palette

GAP = 6


def draw_sheet(path: Path, cells: list[list[NDArray[np.uint8] | None]], scale: int, wide_gaps: tuple[int, ...] = ()) -> None:
    """Pictures [side, side, 3] in rows on white, each pixel `scale` wide; before the columns of `wide_gaps` more room."""
    side = next(cell.shape[0] for row in cells for cell in row if cell is not None) * scale
    columns = max(len(row) for row in cells)
    lefts = [GAP + column * (side + GAP) + 3 * GAP * sum(column >= wide for wide in wide_gaps) for column in range(columns)]
    sheet = np.full((GAP + len(cells) * (side + GAP), lefts[-1] + side + GAP, 3), 255, np.uint8)
    for y, row in enumerate(cells):
        top = GAP + y * (side + GAP)
        for left, cell in zip(lefts, row, strict=False):
            if cell is not None:
                sheet[top : top + side, left : left + side] = cell.repeat(scale, 0).repeat(scale, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet).save(path, optimize=True)


def as_pictures(tokens: NDArray[np.uint16], palette: Palette) -> NDArray[np.uint8]:
    """[..., T] -> [..., side, side, 3]"""
    side = round(tokens.shape[-1] ** 0.5)
    return palette.decode(tokens).reshape(*tokens.shape[:-1], side, side, 3)


def upper_half(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What the model is given of a picture, the rest in light grey."""
    given = picture.copy()
    given[picture.shape[0] // 2 :] = 224
    return given


def draw_temperatures(path: Path, originals: NDArray[np.uint16], samples: list[NDArray[np.uint16]], palette: Palette) -> None:
    """A row a picture: as the model sees it, what is given, then its completions [N, S, T] at each temperature."""
    rows = []
    for index, original in enumerate(as_pictures(originals, palette)):
        drawn = [as_pictures(of_one[index], palette) for of_one in samples]
        rows.append([original, upper_half(original), *(picture for pictures in drawn for picture in pictures)])
    starts = np.cumsum([2, *(of_one.shape[1] for of_one in samples)])[:-1]
    draw_sheet(path, rows, 4, tuple(int(start) for start in starts))


def draw_pairs(path: Path, upper: NDArray[np.uint16], lower: NDArray[np.uint16], palette: Palette) -> None:
    """Pictures [N, T], each above the one that belongs to it."""
    draw_sheet(path, [list(as_pictures(tokens, palette)) for tokens in (upper, lower)], 3)


def draw_grid(path: Path, tokens: NDArray[np.uint16], palette: Palette, columns: int = 8) -> None:
    """Samples [N, T] in reading order."""
    pictures = list(as_pictures(tokens, palette))
    draw_sheet(path, [pictures[start : start + columns] for start in range(0, len(pictures), columns)], 3)
