"""A client of the service: asks it as one asks a ``Predictor``, from synchronous and from asynchronous code."""

from multimodal.client.blocking import Client
from multimodal.client.concurrent import AsyncClient
from multimodal.client.exchange import Retries, ServiceError

__all__ = ["AsyncClient", "Client", "Retries", "ServiceError"]
