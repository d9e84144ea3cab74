"""Tables of programs: who they are, what people allowed them, and the secrets that stand for it (hashes only)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tsunagu.core.ids import new_id


class Program(models.Model):
    """A program that may ask people for access (an OAuth client)."""

    client_id = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    secret_hash = models.CharField(max_length=64, blank=True)
    redirect_uris = models.JSONField(default=list)
    grants = models.JSONField(default=list)
    verbs = models.CharField(max_length=40)
    resource = models.CharField(max_length=500, blank=True)
    is_agent = models.BooleanField(default=False)
    origin = models.CharField(max_length=10)
    registered_by = models.CharField(max_length=26, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class ProgramInvitation(models.Model):
    """Lets one program register itself, once; made by an administrator."""

    secret_hash = models.CharField(max_length=64, unique=True)
    verbs = models.CharField(max_length=40)
    made_by = models.CharField(max_length=26, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.pk)


class Connection(models.Model):
    """What a person allowed a program, until when; every token of that consent hangs on it and ends with it."""

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="connections")
    person = models.ForeignKey(
        "identity.Person", null=True, on_delete=models.CASCADE, related_name="connections"
    )
    verbs = models.CharField(max_length=40, blank=True)
    projects = models.JSONField(default=list)
    scopes = models.CharField(max_length=200, blank=True)
    resource = models.CharField(max_length=500)
    assurance = models.JSONField(default=dict)
    groups = models.JSONField(default=list)
    place = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    last_used_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=20, blank=True)

    def __str__(self) -> str:
        return self.uid


class ProgramSecret(models.Model):
    """A code, an access token or a refresh token. Used ones stay until they expire: using one again is a theft."""

    kind = models.CharField(max_length=8)
    secret_hash = models.CharField(max_length=64, unique=True)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="secrets")
    scopes = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["connection", "kind"], name="identity_secret_of_grant")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class DeviceRequest(models.Model):
    """A device that waits until its person typed the code that it shows (RFC 8628)."""

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    device_hash = models.CharField(max_length=64, unique=True)
    code_hash = models.CharField(max_length=64, db_index=True)
    program = models.ForeignKey(Program, on_delete=models.CASCADE)
    scopes = models.CharField(max_length=200)
    resource = models.CharField(max_length=500)
    place = models.CharField(max_length=300)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    polled_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=10, blank=True)
    connection = models.ForeignKey(Connection, null=True, on_delete=models.CASCADE)

    def __str__(self) -> str:
        return self.uid
