"""The door of conversions: the cluster is offered to readiness, and nothing is asked of it from elsewhere."""

from tsunagu.compute.conversions.cluster import offer

__all__ = ["offer"]
