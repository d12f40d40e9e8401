"""The ASGI app: pages, sockets, who may come in, limits, metrics."""
