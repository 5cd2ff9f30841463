"""Stored images, decoded: the first bytes tell the format, and a lossy one is reported as such."""

from __future__ import annotations

import io
import struct
import zlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
# What Pillow's decoders raise on damaged content.
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError, struct.error, zlib.error)


def decoded(stored: Iterable[tuple[str, bytes]]) -> tuple[NDArray[np.uint8], str]:
    """Decode PNG and JPEG images of one size.

    Args:
        stored: where each comes from, for the sentences, and its bytes.

    Returns:
        (N, 3, h, w), and words on the form in which they were stored.

    Raises:
        InputError: one is in another form, damaged, of another size or with transparency; or Pillow is not installed.

    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (2, 2), (255, 0, 7)).save(file, "PNG")
    >>> pixels, words = decoded([("a red square", file.getvalue())])
    >>> pixels[0, :, 0, 0].tolist(), words
    ([255, 0, 7], 'stored as PNG, without loss')

    """
    try:
        from PIL import Image
    except ImportError:
        raise InputError("decoding images needs Pillow: pip install 'quartic[images]'") from None
    found: list[NDArray[np.uint8]] = []
    forms: Counter[str] = Counter()
    for where, content in stored:
        form = _form(where, content)
        try:
            with Image.open(io.BytesIO(content), formats=[form]) as image:
                _check_size(where, image.size, found)
                pixels = _colours(where, image)
        except InputError:
            raise
        except (*DAMAGED, Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise InputError(f"{where} is a damaged {form} image; get the file again") from None
        forms[form] += 1
        found.append(pixels)
    return np.stack(found).transpose(0, 3, 1, 2).copy(), _words(forms)


def _form(where: str, content: bytes) -> str:
    if content.startswith(PNG):
        return "PNG"
    if content.startswith(JPEG):
        return "JPEG"
    raise InputError(f"{where} begins neither like a PNG nor like a JPEG image")


def _check_size(where: str, size: tuple[int, int], found: list[NDArray[np.uint8]]) -> None:
    # Before the pixels are decoded: a small file can announce an enormous image.
    if found and size != found[0].shape[1::-1]:
        height, width = found[0].shape[:2]
        raise InputError(
            f"{where} is {size[0]} × {size[1]} and the images before it are {width} × {height}; "
            f"images of one size are needed"
        )


def _colours(where: str, image: Any) -> NDArray[np.uint8]:
    if image.mode not in {"RGB", "L", "P"} or "transparency" in image.info:
        raise InputError(f"{where} has transparency or colours that are not RGB; convert it to RGB")
    return np.asarray(image.convert("RGB"))


def _words(forms: Counter[str]) -> str:
    if not forms["JPEG"]:
        return "stored as PNG, without loss"
    kinds = "JPEG" if not forms["PNG"] else f"JPEG ({forms['JPEG']}) and PNG ({forms['PNG']})"
    return f"stored as {kinds}; JPEG's compression has changed the pixels"
