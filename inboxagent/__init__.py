"""A follow-up agent for one consultant's own mailbox."""

__version__ = "0.1.0"
