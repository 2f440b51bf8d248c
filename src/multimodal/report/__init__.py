"""An evaluation as a folder that people read: figures, tables and plots. Plots need the extra [report]."""

from multimodal.report.write import check_report, write_report

__all__ = ["check_report", "write_report"]
