"""Which mailbox is which: SPECIAL-USE (RFC 6154) first, then the names that mail programs give."""

from collections.abc import Collection, Iterable, Sequence

from inboxagent.edge.imap_answers import Listed

SENT = frozenset(
    {
        "sent", "sent items", "sent messages", "sent mail", "sent-mail", "sentmail",
        "gesendet", "gesendete objekte", "gesendete elemente", "gesendete nachrichten",
        "envoyés", "éléments envoyés", "messages envoyés", "objets envoyés",
        "enviados", "elementos enviados", "mensajes enviados", "itens enviados", "enviadas", "e-mails enviados",
        "posta inviata", "inviata", "inviati", "elementi inviati",
        "verzonden", "verzonden items", "verzonden berichten",
        "skickat", "skickade", "skickade objekt", "sendt", "sendte elementer", "sendt post", "sendte",
        "lähetetyt", "lähetetyt viestit", "elementy wysłane", "wysłane", "odeslaná pošta", "odeslané", "odoslané",
        "elküldött elemek", "elküldött", "trimise", "elemente trimise", "απεσταλμένα", "στοιχεία απεσταλμένων",
        "отправленные", "надіслані", "gönderilmiş öğeler", "gönderilmiş postalar", "gönderilenler",
        "送信済み", "送信済みアイテム", "已发送", "已发送邮件", "已寄出", "寄件備份", "보낸 편지함", "보낸편지함",
    }
)  # fmt: skip
"""Usual names of the mailbox for copies of sent mail, lower-case, in the languages of the common mail programs."""

DRAFTS = frozenset(
    {
        "drafts", "draft", "entwürfe", "entwurf", "brouillons", "brouillon", "borradores", "rascunhos", "bozze",
        "concepten", "utkast", "kladder", "kladde", "luonnokset", "wersje robocze", "robocze", "koncepty",
        "piszkozatok", "ciorne", "πρόχειρα", "черновики", "чернетки", "taslaklar", "下書き", "草稿", "草稿箱",
        "임시 보관함", "임시보관함",
    }
)  # fmt: skip
"""Usual names of the mailbox for drafts, lower-case."""

_ROOTS = frozenset({"inbox", "[gmail]", "[google mail]"})


def find_special(listed: Iterable[Listed], attribute: str, usual: Collection[str]) -> Listed | None:
    """The mailbox with this SPECIAL-USE attribute (lower-case), else the one nearest the top with a usual name."""
    selectable = [box for box in listed if box.selectable]
    marked = [box for box in selectable if attribute in box.attributes]
    named = [box for box in selectable if box.path[-1].lower() in usual]
    return next(iter(marked or sorted(named, key=lambda box: len(box.path))), None)


def find_drafts(listed: Sequence[Listed]) -> frozenset[str]:
    """The names of the mailboxes for drafts. A usual name counts at the top only: "Clients/Drafts" may hold answers."""
    marked = frozenset(box.name for box in listed if "\\drafts" in box.attributes)
    return marked or frozenset(box.name for box in listed if _at_top(box) and box.path[-1].lower() in DRAFTS)


def _at_top(box: Listed) -> bool:
    *above, _ = box.path
    return not above or (len(above) == 1 and above[0].lower() in _ROOTS)
