"""An evaluation as a folder that people read: figures, tables and plots. Plots need the extra [report]."""

from multimodal.report.labels import Shown
from multimodal.report.write import check_report, write_label_report, write_report

__all__ = ["Shown", "check_report", "write_label_report", "write_report"]
