"""Metrics, calibration and comparisons, in numpy alone."""

from multimodal.evaluation.bootstrap import (
    Comparison,
    Interval,
    group_interval,
    paired_group_bootstrap,
    paired_ratio_bootstrap,
    ratio_interval,
)
from multimodal.evaluation.calibration import (
    fit_mix,
    fit_row_temperature,
    fit_temperature,
    log_softmax,
    mix_log_scores,
    softmax,
)
from multimodal.evaluation.classes import ClassMetrics, SizeBand, by_class_size, class_metrics
from multimodal.evaluation.compare import Versus, compare_answers
from multimodal.evaluation.confusions import Confusion, worst_confusions
from multimodal.evaluation.hierarchical import (
    hierarchical_distance,
    hierarchical_f1,
    hierarchical_prf,
    leaf_overlap,
    mistake_distance,
    mistake_severity,
    name_equivalent_top1,
    weighted_hierarchical_prf,
)
from multimodal.evaluation.labels import (
    attribute_metrics,
    average_precision,
    precision_recall,
    tag_metrics,
    threshold_for,
)
from multimodal.evaluation.levels import LevelAnswers, LevelMetrics, level_answers, level_ece, level_metrics
from multimodal.evaluation.metrics import (
    f1_by_class,
    label_ranks,
    macro_f1,
    macro_f1_min_support,
    top_k_accuracy,
    weighted_f1,
)
from multimodal.evaluation.paths import NO_ANSWER, Overlap, leaf_nodes, path_overlap
from multimodal.evaluation.reliability import (
    ReliabilityBin,
    brier,
    ece,
    leaf_ece,
    nll,
    reliability_table,
)
from multimodal.evaluation.slices import Slice, slice_metrics
from multimodal.evaluation.summary import HeadMetrics, summarise

__all__ = [
    "NO_ANSWER",
    "ClassMetrics",
    "Comparison",
    "Confusion",
    "HeadMetrics",
    "Interval",
    "LevelAnswers",
    "LevelMetrics",
    "Overlap",
    "ReliabilityBin",
    "SizeBand",
    "Slice",
    "Versus",
    "attribute_metrics",
    "average_precision",
    "brier",
    "by_class_size",
    "class_metrics",
    "compare_answers",
    "ece",
    "f1_by_class",
    "fit_mix",
    "fit_row_temperature",
    "fit_temperature",
    "group_interval",
    "hierarchical_distance",
    "hierarchical_f1",
    "hierarchical_prf",
    "label_ranks",
    "leaf_ece",
    "leaf_nodes",
    "leaf_overlap",
    "level_answers",
    "level_ece",
    "level_metrics",
    "log_softmax",
    "macro_f1",
    "macro_f1_min_support",
    "mistake_distance",
    "mistake_severity",
    "mix_log_scores",
    "name_equivalent_top1",
    "nll",
    "paired_group_bootstrap",
    "paired_ratio_bootstrap",
    "path_overlap",
    "precision_recall",
    "ratio_interval",
    "reliability_table",
    "slice_metrics",
    "softmax",
    "summarise",
    "tag_metrics",
    "threshold_for",
    "top_k_accuracy",
    "weighted_f1",
    "weighted_hierarchical_prf",
    "worst_confusions",
]
