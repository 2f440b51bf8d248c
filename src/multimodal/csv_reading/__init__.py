"""CSV files row by row, for products, trees and maps of labels: one missing quote costs one row."""

from multimodal.csv_reading.cells import BLANK, DELIMITERS, CsvRows, OpenQuote

__all__ = ["BLANK", "DELIMITERS", "CsvRows", "OpenQuote"]
