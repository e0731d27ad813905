"""A picture's file to pixels, as the Worker does it."""

from __future__ import annotations

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from .files import DataError


def open_picture(name: str, contents: bytes) -> Image.Image:
    """An encoded picture upright by EXIF, on white, RGB; a DataError names the file if it is damaged."""
    try:
        with Image.open(io.BytesIO(contents)) as image:
            return _on_white(ImageOps.exif_transpose(image))
    # Pillow's decoders raise any of these for a file that is damaged.
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise DataError(f"{name} is not a picture that can be read: {error}") from error


def decode_middle(name: str, contents: bytes, side: int) -> NDArray[np.uint8]:
    """What the Worker makes of a picture too: upright by EXIF, on white, RGB, cropped to the middle square and resized to
    side x side when it is not that size already."""
    return middle(open_picture(name, contents), side)


def middle(rgb: Image.Image, side: int) -> NDArray[np.uint8]:
    """The same of a picture that `open_picture` has opened: uint8 [side, side, 3]."""
    if rgb.size != (side, side):
        edge = min(rgb.size)
        left, top = (rgb.width - edge) // 2, (rgb.height - edge) // 2
        # Cropped first: a resize with a box would let pixels outside of it shine in.
        rgb = rgb.crop((left, top, left + edge, top + edge)).resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(rgb, dtype=np.uint8)


def _on_white(image: Image.Image) -> Image.Image:
    """RGB of any mode: transparent parts white, 16-bit grey brought to 8 bits."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
