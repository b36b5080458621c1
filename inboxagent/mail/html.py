"""HTML mail as plain text, never shown as HTML; linear, through selectolax (lexbor)."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

LONGEST_HTML = 262_144
MOST_NODES = 50_000
# The parser's time grows with the square of what is open at once; mail programs nest a few dozen deep.
DEEPEST = 1_000

_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt", "figure", "footer", "form"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section"}
    | {"table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"}
)
_SILENT = "head, script, style, title, noscript, template, object, svg"


_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
_VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "wbr"})


def _bounded(html: str) -> str:
    """Capped in size, and cut where more than a thousand elements are open."""
    html = html[:LONGEST_HTML]
    depth = 0
    for tag in _TAG.finditer(html):
        if tag[2].lower() not in _VOID:
            depth += -1 if tag[1] else 1
            if depth > DEEPEST:
                return html[: tag.start()]
    return html


def to_text(html: str) -> str:
    """The visible text of an HTML body, a line for each block and `<br>`, quotations marked with "> "."""
    tree = LexborHTMLParser(_bounded(html))
    return node_text(tree.body) if tree.body is not None else ""


# What mail programs mark as not the writer's own: the words before a quotation, the quotation, the signature.
_FOREIGN = (
    ".gmail_attr, .moz-cite-prefix, .gmail_signature, .moz-signature, .protonmail_signature_block, .protonmail_quote, "
    ".yahoo_quoted, [id^=yahoo_quoted], .zmail_extra, #mail-editor-reference-message-container"
)


def own_text(html: str) -> str:
    """The visible text without what the writer's mail program marks as quotation or signature."""
    tree = LexborHTMLParser(_bounded(html))
    if tree.body is None:
        return ""
    for foreign in tree.body.css(_FOREIGN):
        foreign.decompose()
    return node_text(tree.body)


def node_text(root: LexborNode) -> str:
    """The visible text under one element."""
    for silent in root.css(_SILENT):
        silent.decompose()
    writer = _Writer()
    _walk(root, writer)
    return "\n".join(writer.finished())


def _walk(root: LexborNode, writer: "_Writer") -> None:
    """Depth first without recursion: hostile mail nests thousands deep."""
    node: LexborNode | None = root.child
    depth_of_quotation: list[LexborNode] = []
    open_elements: list[LexborNode] = []
    seen = 0
    while node is not None and seen < MOST_NODES:
        seen += 1
        _enter(node, writer, depth_of_quotation)
        if node.child is not None:
            open_elements.append(node)
            node = node.child
            continue
        _leave(node, writer, depth_of_quotation)
        while node is not None and node.next is None:
            node = open_elements.pop() if open_elements else None
            if node is not None:
                _leave(node, writer, depth_of_quotation)
        node = node.next if node is not None else None


def _enter(node: LexborNode, writer: "_Writer", quotations: list[LexborNode]) -> None:
    if node.tag == "-text":
        writer.write(node.text_content or "")
    elif node.tag == "br":
        writer.end_line(always=True)
    elif node.tag in _BLOCKS:
        writer.end_line()
        if node.tag == "blockquote":
            quotations.append(node)
            writer.depth = len(quotations)
        elif node.tag == "p":
            writer.blank_line()


def _leave(node: LexborNode, writer: "_Writer", quotations: list[LexborNode]) -> None:
    if node.tag in _BLOCKS:
        writer.end_line()
    if node.tag == "p":
        writer.blank_line()
    if node.tag == "blockquote" and quotations:
        quotations.pop()
        writer.depth = len(quotations)


class _Writer:
    """Lines in the making; white space is collapsed as a browser does it."""

    def __init__(self) -> None:
        self.depth = 0
        self._lines: list[str] = []
        self._words: list[str] = []

    def write(self, text: str) -> None:
        self._words.append(text)

    def end_line(self, *, always: bool = False) -> None:
        line = " ".join("".join(self._words).split())
        self._words.clear()
        if line or always:
            self._lines.append("> " * min(self.depth, 9) + line)

    def blank_line(self) -> None:
        if self._lines and self._lines[-1].strip("> "):
            self._lines.append("> " * min(self.depth, 9))

    def finished(self) -> list[str]:
        self.end_line()
        return self._lines
