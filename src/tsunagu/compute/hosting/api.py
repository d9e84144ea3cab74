"""The door of hosting: runs of partner nodes on computers of this one."""

from tsunagu.compute.hosting.accepting import answer, end_guest
from tsunagu.compute.hosting.errors import GuestOverError, NoSuchGuestError
from tsunagu.compute.hosting.host import Host
from tsunagu.compute.hosting.selectors import get_guest, list_guests, list_lent
from tsunagu.compute.hosting.types import GuestCard, Lent

__all__ = [
    "GuestCard",
    "GuestOverError",
    "Host",
    "Lent",
    "NoSuchGuestError",
    "answer",
    "end_guest",
    "get_guest",
    "list_guests",
    "list_lent",
]
