"""Turns public downloads into the parquet files and trees that configurations read."""

from multimodal.data.imports.fashion_mnist import import_fashion_mnist
from multimodal.data.imports.fashion_products import import_fashion_products
from multimodal.data.imports.kazan_express import import_kazan_express
from multimodal.data.imports.report import ImportReport, Steps

__all__ = ["ImportReport", "Steps", "import_fashion_mnist", "import_fashion_products", "import_kazan_express"]
