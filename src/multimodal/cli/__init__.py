"""The command line; ``multimodal.cli.main:main`` is its entrance."""
