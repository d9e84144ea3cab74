"""Signing in at providers of OpenID Connect, ORCID among them."""
