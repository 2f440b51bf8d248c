"""``python -m multimodal_api.demo``: starts the service, asks it about a handful of products, stops it."""
