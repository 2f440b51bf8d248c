"""Validation rows out of the training sources, where a set comes without splits."""

from __future__ import annotations

from multimodal.config.models import DataConfig, SplitConfig
from multimodal.data import read_sources
from multimodal.data.division import Division, RowKeys, divide
from multimodal.errors import DataError
from multimodal.image.caps import read_photo
from multimodal.text.alike import title_key


def divide_sources(data: DataConfig, how: SplitConfig) -> Division:
    """Reads the training sources once, photos as bytes, and plans which rows validate.

    Raises:
        DataError: so few groups that none can be spared.
    """
    items = read_sources(data.train, labelled=True)
    division = divide(items, RowKeys(how.by, title_key, read_photo), {"val": how.val}, how.seed)
    if division.rows("val") == 0:
        raise DataError(
            f"data.split: got {division.rows('train')} rows in {division.group_count('train')} groups, too few to "
            f"draw {how.val:.0%} of any category from; expected hundreds of groups. Add rows, raise data.split.val, "
            "or give validation rows of their own as data.val"
        )
    return division
