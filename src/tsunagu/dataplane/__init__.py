"""The byte server: receives and serves file content, decides nothing, knows no Django."""

from tsunagu.dataplane.app import create_app
from tsunagu.dataplane.settings import Settings
from tsunagu.dataplane.sweep import Garbage, find_garbage

__all__ = ["Garbage", "Settings", "create_app", "find_garbage"]
