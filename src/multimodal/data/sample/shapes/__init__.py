"""Shapes of the drawn products, one module a family; ``draw`` in ``shapes.table`` finds the right one."""
