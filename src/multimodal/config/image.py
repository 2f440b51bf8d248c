"""The section of the photo tower."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from multimodal.config.strict import Strict


class AugmentConfig(Strict):
    """Augmentation of photos; training only. ``strength`` scales it all, 0 turns it off."""

    strength: Annotated[float, Field(ge=0, le=2)] = 1.0
    flip: bool = True
    zoom: Annotated[float, Field(ge=0, lt=1)] = 0.2
    shift: Annotated[float, Field(ge=0, lt=1)] = 0.1
    rotate_degrees: Annotated[float, Field(ge=0, le=45)] = 8.0
    colour: Annotated[float, Field(ge=0, le=1)] = 0.25
    resolution: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Chance to lower a photo's resolution and bring it back, as small catalog photos are."""
    background: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Chance to replace a near-white background, as photos taken at home have none."""
    erase: Annotated[float, Field(ge=0, le=1)] = 0.15
    mix: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the batches whose photos are faded or cut into each other, whatever the strength."""


class ImageConfig(Strict):
    """Photo tower: any timm backbone by name."""

    backbone: str = "mobilenetv2_100"
    weights: str = "none"
    """`none`, `hub`, `bundle:PATH`, `package:NAME`, or the path of a safetensors file or checkpoint in timm's names."""
    backbone_args: dict[str, str | int | float | bool] = Field(default_factory=dict)
    size: tuple[Annotated[int, Field(ge=16, le=1024)], Annotated[int, Field(ge=16, le=1024)]] = (128, 96)
    """Height and width in pixels that the bundle sees; photos keep their aspect ratio inside."""
    train_scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Training sees photos at this share of the size: zooming makes what it sees larger than what answers see, and
    nets answer better at somewhat more than they trained at (Touvron et al., Fixing the train-test resolution
    discrepancy, 2019)."""
    early_epochs: Annotated[int, Field(ge=0)] = 0
    """First epochs, which see photos at ``early_scale`` of the size, or at ``train_scale`` where that is less:
    progressive resizing takes less time."""
    early_scale: Annotated[float, Field(gt=0, le=1)] = 0.78
    mirror: bool = False
    """Answer from the mean of each photo and its mirror image: a little better for twice the time of the net."""
    second_look: Annotated[float, Field(ge=0, le=1)] = 0.0
    """A photo that answers alone, without text, and whose likeliest category has less than this probability (before
    calibration) is looked at once more, mirrored and at 0.9 of its size; the mean answers. 0 never looks twice."""
    pad: tuple[int, int, int] = (255, 255, 255)
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    augment: AugmentConfig = AugmentConfig()
    epochs: Annotated[int, Field(ge=1)] = 12
    batch_size: Annotated[int, Field(ge=2)] = 64
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Rate of each block of the backbone as a share of the next one's; 1 is one rate for all."""
    frozen: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the backbone's blocks, counted from the photo, that stay as they are; 1 learns the heads alone."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.02
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.999
    caption_words: Annotated[int, Field(ge=0)] = 2000
    """Words of titles and characteristics that the tower also learns to tell from the photo; 0 learns none."""
    caption_weight: Annotated[float, Field(ge=0)] = 0.5
    """Weight of their loss beside that of the categories."""
    teachers: tuple[str, ...] = ()
    """Folders of bundles of the same tree, whose mean answer to each augmented photo the tower also learns."""
    teacher_weight: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of that in the loss of the categories; the rest is that of the labels."""
    rounded_epochs: Annotated[int, Field(ge=0)] = 0
    """Last epochs, which learn with dense convolutions rounded to 8 bits, as the bundle then stores them: half the
    size. 0 stores 16 bits."""
    label_branch: Annotated[int, Field(ge=0, multiple_of=8)] = 0
    """Channels of a branch of convolutions that tags and attributes have to themselves, from the middle of the
    backbone: patterns are finer than categories. 0 has none."""
    learn: Literal["all", "labels"] = "all"
    """``labels`` learns tags and attributes alone; categories are answered as by the bundle that ``weights`` names."""
    patience: Annotated[int, Field(ge=1)] = 8

    @model_validator(mode="after")
    def _begun(self) -> ImageConfig:
        if self.learn == "labels" and not self.weights.startswith("bundle:"):
            raise ValueError(
                f"learn: got labels with weights {self.weights!r}, expected weights: bundle:PATH, the bundle whose "
                "categories are kept; or learn: all"
            )
        return self
