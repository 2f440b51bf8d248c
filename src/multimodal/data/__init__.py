"""Products from parquet, CSV, JSON, folders of photos and drawings, as one stream."""

from multimodal.data.columns import ResolvedColumns, guess_columns
from multimodal.data.labels import LabelCheck, check_labels
from multimodal.data.open import open_reader
from multimodal.data.parts import files_of, is_pattern
from multimodal.data.sources import SourceTally, read_source, read_sources, source_count
from multimodal.data.splits import in_share, split_half
from multimodal.data.unique import unique_ids

__all__ = [
    "LabelCheck",
    "ResolvedColumns",
    "SourceTally",
    "check_labels",
    "files_of",
    "guess_columns",
    "in_share",
    "is_pattern",
    "open_reader",
    "read_source",
    "read_sources",
    "source_count",
    "split_half",
    "unique_ids",
]
