"""Photos that cannot be used: each kind has a code, and says what came, what was expected, what to do."""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import photos
from multimodal.errors import ImageError
from multimodal.image import ImageCaps, ImageKitchen, decode_image
from multimodal.types import ImageRef


def refusal(photo: ImageRef | bytes, **options: ImageCaps) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode_image(photo, **options)  # type: ignore[arg-type]
    assert "expected" in caught.value.message
    assert ";" in caught.value.message  # the next step stands after it
    return caught.value


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_truncated(kind: str, share: float) -> None:
    whole = photos.encoded(photos.noise(), kind)
    assert refusal(whole[: int(len(whole) * share)]).code == "image_truncated"


def test_truncated_in_the_header() -> None:
    assert refusal(photos.encoded()[:12]).code == "image_truncated"


def test_a_truncated_photo_stays_refused_when_decoded_small() -> None:
    whole = photos.encoded(photos.noise(800, 600))
    with pytest.raises(ImageError) as caught:
        ImageKitchen(64, 48).prepare(ImageRef(data=whole[: len(whole) // 2], name="half.jpg"))
    assert caught.value.code == "image_truncated"
    assert caught.value.message.startswith("half.jpg: ")


def test_empty_bytes_and_empty_file(tmp_path: Path) -> None:
    file = tmp_path / "empty.jpg"
    file.touch()
    assert refusal(b"").code == "image_empty"
    error = refusal(ImageRef(path=str(file)))
    assert error.code == "image_empty"
    assert "0 bytes" in error.message
    assert str(file) in error.message


def test_no_pixels() -> None:
    error = refusal(photos.png_with_size(0, 20))
    assert error.code == "image_truncated"
    assert "0 pixels" in error.message


@pytest.mark.parametrize("size", [(10_000, 6_000), (12_000, 9_000), (60_000, 60_000)])
def test_huge_header_is_refused_before_decoding(size: tuple[int, int]) -> None:
    # above the cap; above Pillow's warning; above Pillow's error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        error = refusal(photos.png_with_size(*size))
    assert error.code == "image_too_many_pixels"
    assert "50,000,000" in error.message


def test_pillows_warning_turned_into_an_error_is_the_same_refusal() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert refusal(photos.png_with_size(12_000, 9_000)).code == "image_too_many_pixels"


def test_pixels_at_the_cap_are_accepted() -> None:
    data = photos.encoded(Image.new("RGB", (50, 40)), "PNG")
    assert decode_image(data, caps=ImageCaps(max_pixels=2000)).size == (50, 40)
    assert refusal(data, caps=ImageCaps(max_pixels=1999)).code == "image_too_many_pixels"


def test_bytes_over_the_cap() -> None:
    data = photos.encoded()
    decode_image(data, caps=ImageCaps(max_bytes=len(data)))
    error = refusal(data, caps=ImageCaps(max_bytes=len(data) - 1))
    assert error.code == "image_too_large_bytes"
    assert f"{len(data) - 1:,}" in error.message


def test_a_large_file_is_refused_by_its_size_alone(tmp_path: Path) -> None:
    file = tmp_path / "large.jpg"
    with file.open("wb") as stream:
        stream.truncate(1 << 40)  # sparse: reading it whole would not fit into memory
    assert refusal(ImageRef(path=str(file))).code == "image_too_large_bytes"


@pytest.mark.parametrize(
    "data", [b"hello", b"<html><body>404</body></html>", b"%PDF-1.7 ...", b"\0" * 500, b"<svg/>", b"BM", b"RIFF"]
)
def test_no_photo(data: bytes) -> None:
    assert refusal(data).code in {"image_unreadable", "image_truncated"}


def test_no_photo_names_the_formats() -> None:
    error = refusal(b"%PDF-1.7 ...")
    assert error.code == "image_unreadable"
    assert "JPEG, PNG, WEBP" in error.message
    assert "%PDF" in error.message


def test_formats_that_are_not_asked_for_are_refused() -> None:
    assert refusal(photos.encoded(kind="PPM")).code == "image_unreadable"


def test_a_mislabelled_extension_is_fine(tmp_path: Path) -> None:
    for kind, suffix in (("PNG", ".jpg"), ("WEBP", ".png"), ("JPEG", ".txt")):
        file = tmp_path / f"photo{suffix}"
        file.write_bytes(photos.encoded(kind=kind))
        assert decode_image(ImageRef(path=str(file))).size == (60, 80)


def test_missing_file_folder_and_address(tmp_path: Path) -> None:
    for path in (str(tmp_path / "gone.jpg"), str(tmp_path), "https://example.org/a.jpg", "a\0b.jpg"):
        error = refusal(ImageRef(path=path))
        assert error.code == "image_missing"
        assert path in error.message


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "locked.jpg"
    file.write_bytes(photos.encoded())
    file.chmod(0)
    assert refusal(ImageRef(path=str(file))).code == "image_missing"


def test_float_pixels_that_are_no_numbers() -> None:
    error = refusal(photos.encoded(Image.new("F", (4, 4), float("nan")), "TIFF"))
    assert error.code == "image_unreadable"
    assert "finite" in error.message


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"]),
    where=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
)
def test_changed_bytes_give_a_photo_or_a_refusal(kind: str, where: list[tuple[float, int]]) -> None:
    data = bytearray(photos.encoded(photos.noise(40, 30), kind))
    for share, value in where:
        data[int(share * len(data))] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of damaged metadata
        with suppress(ImageError):
            assert ImageKitchen(32, 24).prepare(ImageRef(data=bytes(data))).shape == (32, 24, 3)
