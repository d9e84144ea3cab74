"""Addresses at which programs speak to the node as an OpenID provider; people's pages are in ``web``."""
