"""Mails to people, where the node has a mail server. What is mailed stands on a page all the same."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.mail import send_mail
from django.utils import translation

from tsunagu.core import settings

logger = logging.getLogger(__name__)


def is_sent() -> bool:
    """Whether the node sends mails."""
    return bool(settings.current().mail_url)


@contextmanager
def language_of(chosen: str) -> Iterator[None]:
    """Words in the language that somebody chose, or the node's own."""
    with translation.override(chosen or settings.current().language):
        yield


def send(address: str, subject: str, text: str) -> bool:
    """Mail one person; whether it went out. A mail server that does not answer holds nothing up."""
    if not is_sent():
        return False
    try:
        send_mail(subject, text, None, [address])
    except OSError:
        logger.warning("mail_failed", exc_info=True)
        return False
    return True
