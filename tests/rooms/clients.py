"""Callers of pages and of REST, signed in as a person."""

from __future__ import annotations

from typing import Any

from django.test import Client

from tsunagu.foundation.identity import api as identity


def client_of(actor: Any, language: str = "en") -> Client:
    """A browser in which the person is signed in."""
    from tsunagu.foundation.identity.models import Person

    client = Client(headers={"accept-language": language})
    client.force_login(
        Person.objects.get(uid=actor.id), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    return client


def caller_of(actor: Any) -> Client:
    """A program with a token of the person."""
    return Client(headers={"authorization": f"Bearer {identity.issue_token(actor.id, label='test')}"})
