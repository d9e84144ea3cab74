"""The door of notices: the inbox, partner services, what people decide, what is sent."""

from tsunagu.data.notices.deciding import decide, let_through, throw_away
from tsunagu.data.notices.errors import (
    BadNoticeError,
    BadPartnerError,
    InboxFullError,
    NoSuchNoticeError,
    NoSuchPartnerError,
    NoticeStateError,
    NoticeTooLargeError,
    NoticeTypeError,
)
from tsunagu.data.notices.offering import announce, answer, inbox, inbox_link, offer, try_again
from tsunagu.data.notices.partners import list_partners, remove, write
from tsunagu.data.notices.reading import MOST_BYTES
from tsunagu.data.notices.receiving import receive
from tsunagu.data.notices.selectors import list_received, list_sent, of_publication, partners_for, status_of
from tsunagu.data.notices.sending import deliver_due
from tsunagu.data.notices.types import ANSWERS, OFFERS, RIGHTS, NoticeCard, PartnerCard, SentCard

__all__ = [
    "ANSWERS",
    "MOST_BYTES",
    "OFFERS",
    "RIGHTS",
    "BadNoticeError",
    "BadPartnerError",
    "InboxFullError",
    "NoSuchNoticeError",
    "NoSuchPartnerError",
    "NoticeCard",
    "NoticeStateError",
    "NoticeTooLargeError",
    "NoticeTypeError",
    "PartnerCard",
    "SentCard",
    "announce",
    "answer",
    "decide",
    "deliver_due",
    "inbox",
    "inbox_link",
    "let_through",
    "list_partners",
    "list_received",
    "list_sent",
    "of_publication",
    "offer",
    "partners_for",
    "receive",
    "remove",
    "status_of",
    "throw_away",
    "try_again",
    "write",
]
