"""What goes wrong with notices."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError, TsunaguError


class BadNoticeError(TsunaguError):
    """What was posted is no notice."""

    code = "notices.bad_notice"
    status = 400
    exit_code = 2
    default_message = "What was sent is no COAR Notify notification."
    default_remedy = (
        "Send JSON-LD with @context, id, type, origin, target and object as COAR Notify 1.0.1 says."
    )


class NoticeTooLargeError(TsunaguError):
    """More bytes than a notice may have."""

    code = "notices.too_large"
    status = 413
    exit_code = 2
    default_message = "A notification has at most 256 KiB."
    default_remedy = "Send the address of what it is about, not its content."


class NoticeTypeError(TsunaguError):
    """The body is not declared as JSON."""

    code = "notices.media_type"
    status = 415
    exit_code = 2
    default_message = "A notification is sent as application/ld+json."
    default_remedy = "Set the header Content-Type to application/ld+json."


class InboxFullError(TsunaguError):
    """Too much waits for a person already, or came too fast."""

    code = "notices.inbox_full"
    status = 429
    exit_code = 8
    default_message = "The inbox takes nothing more from this sender for now."
    default_remedy = "Send it again later, or ask the administrator of this node to take the service up."


class NoSuchNoticeError(NotFoundError):
    """There is none, or the asker may not see it."""

    code = "notices.no_such_notice"
    default_message = "There is no such notice, or you may not see it."


class NoSuchPartnerError(NotFoundError):
    """There is no such service."""

    code = "notices.no_such_partner"
    default_message = "There is no such partner service."
    default_remedy = "tsunagu notices --partners shows them."


class BadPartnerError(InvalidInputError):
    """Something said of a service cannot be."""

    code = "notices.bad_partner"
    default_message = "The partner service cannot be kept like this."


class NoticeStateError(ConflictError):
    """It is decided already, or cannot be decided so."""

    code = "notices.wrong_state"
    default_message = "The notice is not in a state in which this can be done."
    default_remedy = "Open the page again to see how it stands."
