"""The HTTP API: ``multimodal_api.app:create_app`` builds the service; importing does no work."""
