"""Encoded images come back, and what cannot be used is refused in a sentence."""

import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from stored import encoded

from derive import InputError
from verify.networks.images.decoding import decoded


def said(*contents):
    with pytest.raises(InputError) as error:
        decoded([(f"image {number}", content) for number, content in enumerate(contents)])
    return str(error.value)


def test_png_comes_back_to_the_bit(pixels):
    found, words = decoded([("a file", encoded(one, "PNG")) for one in pixels])
    assert np.array_equal(found, pixels)
    assert found.flags.c_contiguous
    assert words == "stored as PNG, without loss"


def test_jpeg_comes_back_nearly_and_that_is_said(pixels):
    found, words = decoded([("a file", encoded(one, "JPEG")) for one in pixels])
    off = np.abs(found.astype(int) - pixels)
    assert 0 < off.max() < 20
    assert words == "stored as JPEG; JPEG's compression has changed the pixels"


def test_a_mixture_is_counted(pixels):
    _, words = decoded([("a file", encoded(one, "PNG" if k else "JPEG")) for k, one in enumerate(pixels)])
    assert words == "stored as JPEG (1) and PNG (5); JPEG's compression has changed the pixels"


def test_grey_and_palettes_become_rgb(pixels):
    grey, _ = decoded([("a file", encoded(pixels[0], "PNG", "L"))])
    assert np.array_equal(grey[0, 0], grey[0, 2])
    flat = np.broadcast_to(np.array([204, 0, 51], np.uint8)[:, None, None], (3, 4, 4))  # of the common palette
    assert np.array_equal(decoded([("a file", encoded(flat, "PNG", "P"))])[0][0], flat)


def test_what_is_no_image_is_refused(pixels):
    assert said(b"GIF89a...") == "image 0 begins neither like a PNG nor like a JPEG image"
    assert said(encoded(pixels[0], "PNG"), b"") == "image 1 begins neither like a PNG nor like a JPEG image"


def test_images_of_two_sizes_are_refused(pixels):
    first, second = encoded(pixels[0], "PNG"), encoded(pixels[0, :, :20, :24], "PNG")
    assert said(first, second) == (
        "image 1 is 24 × 20 and the images before it are 32 × 32; images of one size are needed"
    )


@pytest.mark.parametrize(("form", "mode"), [("PNG", "RGBA"), ("PNG", "LA"), ("JPEG", "CMYK")])
def test_other_colours_are_refused(pixels, form, mode):
    assert said(encoded(pixels[0], form, mode)) == (
        "image 0 has transparency or colours that are not RGB; convert it to RGB"
    )


def test_an_image_that_is_cut_anywhere_is_refused(pixels):
    for form in ("PNG", "JPEG"):
        whole = encoded(pixels[0], form)
        for cut in range(8, len(whole) * 9 // 10, 7):
            assert said(whole[:cut]) == f"image 0 is a damaged {form} image; get the file again"


def test_random_damage_is_refused_or_decoded_and_nothing_else(pixels):
    rng = np.random.default_rng(0)
    for form in ("PNG", "JPEG"):
        whole = np.frombuffer(encoded(pixels[0], form), np.uint8)
        for _ in range(400):
            damaged = whole.copy()
            damaged[rng.integers(3, len(whole), 3)] = rng.integers(0, 256, 3)
            with suppress(InputError):
                decoded([("a file", damaged.tobytes())])


def test_a_small_file_that_announces_an_enormous_image_is_refused(pixels):
    whole = encoded(pixels[0], "PNG")
    header = b"IHDR" + struct.pack(">II", 60_000, 60_000) + whole[24:29]
    enormous = whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]
    assert said(enormous) == "image 0 is a damaged PNG image; get the file again"
    assert said(whole, enormous) == ("image 1 is a damaged PNG image; get the file again")
