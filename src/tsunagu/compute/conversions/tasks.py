"""What stands when a node starts: the cluster is offered to readiness."""

from __future__ import annotations

from tsunagu.compute.conversions.api import offer

offer()
