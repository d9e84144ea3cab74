"""Loads what rooms do in the background, so that their subscriptions stand before the first event."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The composition of the node."""

    name = "tsunagu.config"

    def ready(self) -> None:
        """Import every room's tasks, and what listens to allauth."""
        for module in (
            "foundation.identity.federation.tasks",
            "foundation.identity.openid.tasks",
            "foundation.runs.tasks",
            "data.datasets.tasks",
            "data.capture.tasks",
            "data.sharing.tasks",
            "data.ai_use.tasks",
            "data.description.tasks",
            "data.harvesting.tasks",
            "data.keeping.tasks",
            "data.plans.tasks",
            "data.publication.tasks",
            "data.depositing.tasks",
            "data.notices.tasks",
            "data.readiness.tasks",
            "data.scans.tasks",
            "data.training.tasks",
            "data.unsorted.tasks",
            "data.discovery.tasks",
            "data.usage.tasks",
            "data.graph.tasks",
            "experiment.instruments.tasks",
            "compute.environments.tasks",
            "compute.jobs.tasks",
            "compute.conversions.tasks",
            "doors.upkeep",
            "doors.web.codes",
        ):
            import_module(f"tsunagu.{module}")
