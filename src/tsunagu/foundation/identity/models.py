"""People and their access tokens."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from tsunagu.core.ids import new_id
from tsunagu.foundation.identity.types import VERBS


class PersonManager(BaseUserManager["Person"]):
    """Makes people; e-mail addresses are kept in lower case."""

    def create_user(
        self, email: str, password: str | None = None, *, name: str = "", is_admin: bool = False
    ) -> Person:
        """A new person; without a password the account opens by a one-time link or a passkey."""
        person = self.model(email=email.strip().lower(), name=name, is_admin=is_admin)
        person.set_password(password) if password else person.set_unusable_password()
        person.save(using=self._db)
        return person


class Person(AbstractBaseUser):
    """Somebody with an account."""

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=5, blank=True)
    theme = models.CharField(max_length=5, blank=True)
    is_active = models.BooleanField(default=True)
    is_admin = models.BooleanField(default=False)
    sponsor = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="guests")
    stay_until = models.DateTimeField(null=True, db_index=True)
    stay_note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[PersonManager] = PersonManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """What others call the person."""
        return str(self)


class AccessToken(models.Model):
    """A secret that stands for a person or an instrument; only its hash is kept."""

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    secret_hash = models.CharField(max_length=64, unique=True)
    person = models.ForeignKey(Person, null=True, on_delete=models.CASCADE, related_name="tokens")
    instrument_id = models.CharField(max_length=26, blank=True, db_index=True)
    label = models.CharField(max_length=200, blank=True)
    verbs = models.CharField(max_length=40, default=" ".join(VERBS))
    projects = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.label


class SignInLink(models.Model):
    """A one-time link that opens an account (the first administrator, an invitation)."""

    secret_hash = models.CharField(max_length=64, unique=True)
    person = models.ForeignKey(Person, on_delete=models.CASCADE)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.pk)


from tsunagu.foundation.identity.federation.models import (  # noqa: E402 - Django looks for tables here
    Feed,
    Identity,
    InstitutionState,
    Provider,
    SeenAssertion,
    SignInRequest,
)
from tsunagu.foundation.identity.program_models import (  # noqa: E402 - the same
    Connection,
    DeviceRequest,
    Program,
    ProgramInvitation,
    ProgramSecret,
)

__all__ = [
    "AccessToken",
    "Connection",
    "DeviceRequest",
    "Feed",
    "Identity",
    "InstitutionState",
    "Person",
    "PersonManager",
    "Program",
    "ProgramInvitation",
    "ProgramSecret",
    "Provider",
    "SeenAssertion",
    "SignInLink",
    "SignInRequest",
]
