"""The criteria, in the order they run: adding one is one file and one line here."""

from collections.abc import Callable

from ..search import Row, Search
from .definition import definition
from .first_order import first_order
from .lines import lines
from .second_order import second_order
from .strong import strong

CRITERIA: dict[str, Callable[[Search], Row]] = {
    "definition": definition,
    "first order": first_order,
    "second order": second_order,
    "lines": lines,
    "strong convexity": strong,
}
