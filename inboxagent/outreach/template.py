"""Letters as templates: Jinja2, sandboxed and strict. What a template speaks of, and filling it in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from inboxagent.outreach.localise import DATE_FILTERS, part, say
from inboxagent.outreach.phrases import BUILT_IN, GREETING, PHRASE, SIGN_OFF

TEXT_FILTERS = ("capitalize", "lower", "title", "trim", "upper")
FILTERS = (*TEXT_FILTERS, *DATE_FILTERS)
TESTS = ("defined",)


class RenderError(Exception):
    """A letter cannot be written; `names` are the fields to blame, where it is the fields."""

    def __init__(self, message: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.names = names


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """What a template speaks of: fields it cannot do without, all fields it mentions, and phrases."""

    needed: frozenset[str]
    mentioned: frozenset[str]
    phrases: frozenset[str]


class Unset(jinja2.StrictUndefined):
    """A field without a value: `if` may ask for it, anything else is an error."""

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]  # StrictUndefined declares that it never returns
        return False


_LANGUAGE = "the language"  # no template can name it


@jinja2.pass_context
def _say(context: Context, value: object) -> object:
    return say(value, str(context.resolve(_LANGUAGE)))


def _text_filter(plain: Callable[[object], object]) -> Callable[[Context, object], object]:
    return jinja2.pass_context(lambda context, value: plain(_say(context, value)))


def _date_filter(name: str) -> Callable[[Context, object], object]:
    return jinja2.pass_context(lambda context, value: part(value, name, str(context.resolve(_LANGUAGE))))


def _environment() -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(undefined=Unset, keep_trailing_newline=True, autoescape=False, finalize=_say)
    plain = {name: _text_filter(made.filters[name]) for name in TEXT_FILTERS}
    made.filters = {**plain, **{name: _date_filter(name) for name in DATE_FILTERS}}
    made.tests = {name: made.tests[name] for name in TESTS}
    made.globals = {}
    return made


ENVIRONMENT = _environment()


def fill(source: str, values: Mapping[str, object], language: str = "en") -> str:
    """The template with its values put in, dates and numbers as the language writes them; a value is never read as a
    template. Raises RenderError."""
    if absent := tuple(sorted(uses(source).needed - values.keys())):
        raise RenderError(f"no value for {', '.join(absent)}", absent)
    try:
        return _compile(source).render({**values, _LANGUAGE: language})
    except (jinja2.TemplateError, TypeError, ValueError) as error:
        raise RenderError(f"it cannot be filled in: {error}") from error


def holds(condition: str, values: Mapping[str, object]) -> bool:
    """Whether a condition on fields is true; a field without a value is neither. Raises RenderError."""
    try:
        return bool(_compile_condition(condition)(**values))
    except (jinja2.TemplateError, TypeError, ValueError) as error:
        raise RenderError(f"`{condition}` cannot be decided: {error}") from error


@lru_cache(maxsize=1024)
def _compile_condition(condition: str) -> Callable[..., object]:
    return ENVIRONMENT.compile_expression(condition, undefined_to_none=False)


def uses_of_condition(condition: str) -> Uses:
    """What a condition speaks of, and what it cannot be decided without."""
    return uses(f"{{% if {condition} %}}{{% endif %}}")


@lru_cache(maxsize=1024)
def _compile(source: str) -> jinja2.Template:
    return ENVIRONMENT.from_string(source)


@lru_cache(maxsize=4096)
def uses(source: str) -> Uses:
    """What the template speaks of; a name is not needed where an `if` or `or` provides for its absence."""
    tree = ENVIRONMENT.parse(source)
    names = frozenset(name.name for name in tree.find_all(nodes.Name))
    parts = frozenset(part.attr for part in tree.find_all(nodes.Getattr))
    return Uses(
        needed=frozenset(_needs(tree, frozenset())) - {GREETING, SIGN_OFF, PHRASE},
        mentioned=names - set(BUILT_IN),
        phrases=parts | (names & {GREETING, SIGN_OFF}),
    )


def _needs(node: nodes.Node, given: frozenset[str]) -> set[str]:
    """Names the node cannot do without where those in `given` are known to have a value."""
    match node:
        case nodes.Name():
            return {node.name} - given
        case nodes.If():
            inside = given | _granted(node.test)
            body = _all_needs(node.body, inside)
            return _asks(node.test, given) | body | _all_needs([*node.elif_, *node.else_], given)
        case nodes.CondExpr():
            otherwise = _needs(node.expr2, given) if node.expr2 else set()
            return _asks(node.test, given) | _needs(node.expr1, given | _granted(node.test)) | otherwise
        case nodes.And():
            return _needs(node.left, given) | _needs(node.right, given | _granted(node.left))
        case nodes.Or():
            return _asks(node.left, given) | _needs(node.right, given)
        case nodes.Not():
            return _asks(node.node, given)
        case nodes.Test(node=nodes.Name()):
            return set()
        case _:
            return _all_needs(node.iter_child_nodes(), given)


def _all_needs(found: Iterable[nodes.Node], given: frozenset[str]) -> set[str]:
    return {name for node in found for name in _needs(node, given)}


def _asks(test: nodes.Node, given: frozenset[str]) -> set[str]:
    """Names a condition cannot do without: not those that it only asks for."""
    match test:
        case nodes.Name() | nodes.Test(node=nodes.Name()):
            return set()
        case nodes.Not():
            return _asks(test.node, given)
        case nodes.And():
            return _asks(test.left, given) | _asks(test.right, given | _granted(test.left))
        case nodes.Or():
            return _asks(test.left, given) | _asks(test.right, given)
        case _:
            return _needs(test, given)


def _granted(test: nodes.Node) -> frozenset[str]:
    """Names that have a value wherever the condition is true."""
    match test:
        case nodes.Name():
            return frozenset((test.name,))
        case nodes.Test(node=nodes.Name() as name):
            return frozenset((name.name,))
        case nodes.And():
            return _granted(test.left) | _granted(test.right)
        case _:
            return frozenset()
