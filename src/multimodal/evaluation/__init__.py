"""Metrics, calibration and comparisons, in numpy alone."""

from multimodal.evaluation.bootstrap import Comparison, Interval, group_interval, paired_group_bootstrap
from multimodal.evaluation.calibration import (
    fit_mix,
    fit_temperature,
    log_softmax,
    mix_log_scores,
    softmax,
)
from multimodal.evaluation.hierarchical import hierarchical_prf, mistake_severity, name_equivalent_top1
from multimodal.evaluation.metrics import (
    f1_by_class,
    label_ranks,
    macro_f1,
    macro_f1_min_support,
    top_k_accuracy,
    weighted_f1,
)
from multimodal.evaluation.reliability import (
    ReliabilityBin,
    brier,
    ece,
    leaf_ece,
    level_ece,
    nll,
    reliability_table,
)
from multimodal.evaluation.summary import HeadMetrics, summarise

__all__ = [
    "Comparison",
    "HeadMetrics",
    "Interval",
    "ReliabilityBin",
    "brier",
    "ece",
    "f1_by_class",
    "fit_mix",
    "fit_temperature",
    "group_interval",
    "hierarchical_prf",
    "label_ranks",
    "leaf_ece",
    "level_ece",
    "log_softmax",
    "macro_f1",
    "macro_f1_min_support",
    "mistake_severity",
    "mix_log_scores",
    "name_equivalent_top1",
    "nll",
    "paired_group_bootstrap",
    "reliability_table",
    "softmax",
    "summarise",
    "top_k_accuracy",
    "weighted_f1",
]
