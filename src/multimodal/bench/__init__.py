"""Measures a running service: requests like users', load, memory."""
