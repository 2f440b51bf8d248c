"""The image kitchen: photos in any common format to small RGB arrays; the same in training and serving."""

from multimodal.image.caps import DEFAULT_CAPS, ImageCaps
from multimodal.image.decode import decode_image
from multimodal.image.kitchen import ImageKitchen
from multimodal.image.letterbox import fitted_size, letterbox
from multimodal.image.second_look import second_look

__all__ = ["DEFAULT_CAPS", "ImageCaps", "ImageKitchen", "decode_image", "fitted_size", "letterbox", "second_look"]
