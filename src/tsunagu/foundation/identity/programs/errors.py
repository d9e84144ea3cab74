"""What can go wrong between this node and a program that asks for access."""

from __future__ import annotations

from tsunagu.core.errors import InvalidInputError, NotFoundError, TsunaguError


class ProgramRefusedError(InvalidInputError):
    """A program asked for something that this node does not give; nobody is sent back to it."""

    code = "identity.program_refused"
    status = 400
    default_message = "A program sent you here with a request that this node does not accept."
    default_remedy = "Tell its makers; nothing was given to it."


class BadProgramError(InvalidInputError):
    """A program cannot be registered like this."""

    code = "identity.bad_program"
    default_message = "This program cannot be registered like this."
    default_remedy = (
        "It needs a name and, unless it signs in by a code shown to the person, https return addresses."
    )


class UnknownProgramError(NotFoundError):
    """There is no such program, or it was withdrawn."""

    code = "identity.unknown_program"
    default_message = "This program is not registered here."
    default_remedy = "Ask the administrator of this node to register it."


class WrongCodeError(InvalidInputError):
    """A code of a device that is unknown, used or too old."""

    code = "identity.wrong_device_code"
    default_message = "This code is unknown, used already or too old."
    default_remedy = "Compare it with the one that your program shows, or have the program show a new one."


class StrongerSignInError(TsunaguError):
    """What was asked for needs a fresher or stronger sign-in than this session's or token's (RFC 9470)."""

    code = "identity.stronger_sign_in"
    status = 401
    exit_code = 3
    default_message = "This needs a fresher or stronger confirmation than your sign-in had."
    default_remedy = "Confirm with a passkey, a one-time code or your institution's second factor."
