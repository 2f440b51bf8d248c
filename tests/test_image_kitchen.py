"""The image kitchen: what comes out of every kind of photo."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import photos
from multimodal.errors import BundleError, ImageError
from multimodal.image import ImageKitchen, decode, decode_image, fitted_size, fitting, letterbox
from multimodal.image.colour import to_rgb
from multimodal.image.fitting import fitted, upright
from multimodal.types import ImageRef

# JPEG, and palettes made by quantising, miss a colour by a little
CLOSE = 4


@pytest.mark.parametrize("mode", photos.MODES)
def test_every_mode_becomes_the_rgb_it_shows(mode: str) -> None:
    data, expected = photos.in_mode(mode)
    image = decode_image(data)
    assert image.mode == "RGB"
    assert image.size == (40, 30)
    pixels = np.asarray(image).astype(int)
    assert np.abs(pixels - np.array(expected)).max() <= CLOSE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_formats_give_the_same_picture(kind: str) -> None:
    image = np.asarray(decode_image(photos.encoded(kind=kind))).astype(int)
    wanted = np.asarray(photos.picture()).astype(int)
    assert image.shape == (80, 60, 3)
    assert np.abs(image - wanted).mean() < 6


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animations_give_their_first_frame(kind: str) -> None:
    red = np.asarray(decode_image(photos.animated(kind)))[15, 20].astype(int)
    assert np.abs(red - np.array(photos.RED)).max() <= CLOSE


@pytest.mark.parametrize("target", [None, (24, 24)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_as_viewers_do(orientation: int, target: tuple[int, int] | None) -> None:
    from io import BytesIO

    from PIL import ImageOps

    data = photos.with_exif(orientation, 240, 320)
    ours = decode_image(data, target=target)
    theirs = ImageOps.exif_transpose(Image.open(BytesIO(data))).convert("RGB")
    assert (ours.width > ours.height) == (theirs.width > theirs.height)
    small = [np.asarray(i.resize((12, 12), Image.Resampling.BOX)).astype(int) for i in (ours, theirs)]
    assert np.abs(small[0] - small[1]).max() <= 12


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "RGBA", "P", "1", "CMYK", "YCbCr", "I", "F", "I;16"])
@pytest.mark.parametrize("size", [(641, 1203), (1203, 641), (1, 3000), (61, 97)])
def test_colours_converted_in_strips_are_those_of_the_whole(
    mode: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "_STRIP_PIXELS", 5000)
    image = photos.random_in_mode(mode, size)
    strips = CountedCrops(image)
    monkeypatch.setattr(image, "crop", strips)
    for orientation in range(1, 9):
        whole = letterbox(upright(to_rgb(image), orientation), 64, 48)
        assert (letterbox(fitted(image, orientation, 64, 48), 64, 48) == whole).all()
    assert strips.number == 0 if max(size) < 100 else strips.number >= 8 if min(size) == 1 else strips.number > 80


class CountedCrops:
    """Crops an image, and counts how often."""

    def __init__(self, image: Image.Image) -> None:
        self._crop, self.number = image.crop, 0

    def __call__(self, box: tuple[int, int, int, int]) -> Image.Image:
        self.number += 1
        return self._crop(box)


def test_a_large_photo_waits_for_another_and_a_small_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "_LARGE_PIXELS", 5000)
    small, large = photos.encoded(photos.picture(50, 80)), photos.encoded(photos.picture(100, 80))
    with ThreadPoolExecutor(1) as pool:
        with decode._ONE_LARGE:
            assert pool.submit(decode_image, small).result(10).size == (50, 80)
            waiting = pool.submit(decode_image, large)
            with pytest.raises(TimeoutError):
                waiting.result(0.2)
        assert waiting.result(10).size == (100, 80)


def test_a_large_photo_that_breaks_off_lets_the_next_one_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "_LARGE_PIXELS", 5000)
    large = photos.encoded(photos.noise())
    with pytest.raises(ImageError):
        decode_image(large[: len(large) // 2])
    assert decode_image(large).size == (200, 150)


def test_damaged_exif_leaves_the_photo_readable() -> None:
    data = photos.with_exif(6)
    at = data.index(b"Exif\0\0") + 6
    broken = data[:at] + b"\xff" * 12 + data[at + 12 :]
    assert decode_image(broken).size == (60, 80)


@pytest.mark.parametrize("target", [(128, 96), (96, 128)])
def test_draft_keeps_twice_what_is_shown(target: tuple[int, int]) -> None:
    image = decode_image(photos.encoded(photos.picture(1600, 1200)), target=target)
    width, height = fitted_size((1600, 1200), *target)
    assert image.width < 1600
    assert image.width >= 2 * width
    assert image.height >= 2 * height


def test_draft_does_not_change_what_the_model_sees() -> None:
    data = photos.encoded(photos.noise().resize((1200, 900), Image.Resampling.BICUBIC), quality=95)
    drafted = ImageKitchen(128, 96).prepare(ImageRef(data=data)).astype(int)
    full = letterbox(decode_image(data), 128, 96).astype(int)
    assert np.abs(drafted - full).mean() < 2


def test_small_photos_are_enlarged_smoothly() -> None:
    pixels = letterbox(photos.picture(60, 80), 128, 96)
    assert pixels.shape == (128, 96, 3)
    assert np.abs(pixels[64, 5].astype(int) - [200, 50, 40]).max() <= 3
    assert len(np.unique(pixels[64, :, 2])) > 4  # a smooth edge, not doubled pixels


def test_the_rest_of_the_frame_is_fill_and_the_photo_is_centred() -> None:
    pixels = letterbox(Image.new("RGB", (100, 50), photos.RED), 60, 60, (1, 2, 3))
    assert (pixels[:15] == (1, 2, 3)).all()
    assert (pixels[45:] == (1, 2, 3)).all()
    assert (pixels[15:45] == photos.RED).all()


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    frame=st.tuples(st.integers(1, 64), st.integers(1, 64)),
)
def test_letterbox_always_fills_its_frame_and_keeps_the_aspect(width: int, height: int, frame: tuple[int, int]) -> None:
    pixels = letterbox(Image.new("RGB", (width, height), (9, 9, 9)), *frame, (255, 0, 0))
    assert pixels.shape == (*frame, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    inside = (pixels == 9).all(axis=2)
    shown_height, shown_width = int(inside.any(axis=1).sum()), int(inside.any(axis=0).sum())
    assert inside.sum() == shown_height * shown_width
    assert shown_height == frame[0] or shown_width == frame[1]
    scale = min(frame[0] / height, frame[1] / width)
    assert abs(shown_height - max(1, height * scale)) <= 1
    assert abs(shown_width - max(1, width * scale)) <= 1


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 1), (3, 2000)])
def test_extreme_aspect_ratios(size: tuple[int, int]) -> None:
    pixels = ImageKitchen(128, 96).prepare(ImageRef(data=photos.encoded(Image.new("RGB", size), "PNG")))
    assert pixels.shape == (128, 96, 3)
    assert (pixels == 0).all(axis=2).any()


def test_bytes_and_file_give_the_same_pixels(tmp_path: Path) -> None:
    file = tmp_path / "фото.png"  # the wrong suffix, on purpose
    file.write_bytes(photos.encoded())
    kitchen = ImageKitchen(64, 48)
    from_file = kitchen.prepare(ImageRef(path=str(file)))
    assert np.array_equal(from_file, kitchen.prepare(ImageRef(data=photos.encoded())))
    assert from_file.flags.writeable


def test_threads_share_a_kitchen() -> None:
    kitchen = ImageKitchen(64, 48)
    refs = [ImageRef(data=photos.encoded(photos.picture(60 + i, 80))) for i in range(8)]
    alone = [kitchen.prepare(ref) for ref in refs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(kitchen.prepare, refs * 4))
    assert all(np.array_equal(pixels, alone[i % 8]) for i, pixels in enumerate(together))


def test_manifest_round_trip() -> None:
    kitchen = ImageKitchen(128, 96, (0, 10, 255))
    assert ImageKitchen.from_manifest(json.loads(json.dumps(kitchen.to_manifest()))) == kitchen


@pytest.mark.parametrize(
    "change", [{"version": 99}, {"version": None}, {"height": 0}, {"fill": [1, 2]}, {"width": "wide"}]
)
def test_a_manifest_of_another_kitchen_is_refused(change: dict[str, object]) -> None:
    raw = {**ImageKitchen(128, 96).to_manifest(), **change}
    with pytest.raises(BundleError, match=r"image kitchen: got .*expected"):
        ImageKitchen.from_manifest(raw)


def test_a_kitchen_without_size_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 1 to"):
        ImageKitchen(0, 96)
