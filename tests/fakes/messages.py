"""Messages as they come in, for the pure tests."""

from inboxagent.mail.inbound import Inbound, parse

MAYA = "maya@lind.example"
ANNA = "anna@prospect.test"


def message(author: str = ANNA, text: str = "Hello.\n", **fields: str) -> Inbound:
    """A parsed message; fields by name, `_` for `-`: `In_Reply_To="<1@lind.example>"`."""
    named = {"To": MAYA, "Subject": "Re: Proposal", "Message-ID": "<a1@prospect.test>"}
    named |= {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [f"From: {author}", *(f"{name}: {value}" for name, value in named.items() if value)]
    return parse("\r\n".join([*lines, "", text]).encode())


def report(recipient: str = ANNA, original: str = "<1@lind.example>", status: str = "5.1.1", **fields: str) -> Inbound:
    """A parsed delivery report (RFC 3464) that returns the header section of a letter."""
    action = {"5": "failed", "4": "delayed", "2": "delivered"}[status[0]]
    words = {"5.1.1": "550 5.1.1 User unknown", "5.2.2": "552 5.2.2 Mailbox full"}.get(status, status)
    text = (
        f"--b\r\nContent-Type: text/plain\r\n\r\nAbout your letter.\r\n--b\r\n"
        f"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; {words}\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"To: {recipient}\r\nMessage-ID: {original}\r\n--b--\r\n"
    )
    kind = 'multipart/report; report-type=delivery-status; boundary="b"'
    named = {"Message-ID": "<r1@mx.test>", "Subject": "Delivery report", "Content-Type": kind}
    return message("mailer-daemon@mx.test", text, **(named | fields))
