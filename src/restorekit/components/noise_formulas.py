"""Formulas of noises: "poisson(peak=30) | jpeg(quality=[60, 95])", "0.5*gaussian + 0.5*uniform".

The grammar is a part of Python's expressions. It is read from the syntax tree, nothing is executed:

    noise    = NAME | NAME(argument, ...) | noise "|" noise | sum | (noise)
    sum      = [NUMBER "*"] noise "+" [NUMBER "*"] noise ...
    argument = value | NAME=value
    value    = NUMBER | NUMBER / NUMBER | true | false | null | "text" | NAME | noise
             | [value, ...] | {"key": value, ...}

"|" puts noises one after the other, as `chain`. "+" is one of several noises for each sample, as
`one_of`, with the numbers as weights. "*" binds closest and "|" loosest.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Mapping, Sequence

from restorekit.errors import ArgumentError, RestoreKitError, did_you_mean
from restorekit.untrusted.plain_data import DEEPEST
from restorekit.untrusted.text import quoted

Spec = dict[str, object]
# Given a name, the names of its arguments in order, and whether it takes others and checks them
# itself; raises RestoreKitError for an unknown one.
ArgumentNames = Callable[[str], tuple[Sequence[str], bool]]

# Makes a noise of a formula to check its values; raises ArgumentError.
CheckNoise = Callable[[Spec], object]

_LONGEST = 10_000  # characters
_FORMULA = re.compile(r"[(|+*]")
_SHORT = re.compile(r"\s*\w+\s*:")
_CONSTANTS = {"true": True, "false": False, "null": None}


def is_formula(text: str) -> bool:
    """Whether a text is meant as a formula, and not as a name, "name:VALUE" or JSON."""
    if text.lstrip().startswith("{"):
        return False
    # "gaussian:25 | jpeg" mixes two spellings, which the formula's error explains.
    return " | " in text or (_FORMULA.search(text) is not None and not _SHORT.match(text))


def read_formula(text: str, argument_names: ArgumentNames, check_noise: CheckNoise) -> Spec:
    """The component of a formula, as {"name": ..., argument: ...}.

    Args:
        text: the formula.
        argument_names: the names of the arguments of a noise, and whether it takes others.
        check_noise: checks the values of a noise, by making it.

    Raises:
        ArgumentError: it cannot be read, or a value does not fit; the message has the position of
            the character.
        UnknownNameError: no noise has a name in it.
    """
    if len(text) > _LONGEST:
        raise ArgumentError(f"noise {quoted(text)}: longer than {_LONGEST:,} characters")
    return _Reader(text, argument_names, check_noise).read()


class _Reader:
    """Reads one formula."""

    def __init__(self, text: str, argument_names: ArgumentNames, check_noise: CheckNoise) -> None:
        self.text, self.argument_names, self.check_noise = text, argument_names, check_noise
        # On one line without an indentation, as Python wants it.
        self.source = re.sub(r"\s", " ", text).strip()
        self.skipped = len(text) - len(text.lstrip())

    def read(self) -> Spec:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # such as of "\\d" in a text
                tree = ast.parse(self.source, mode="eval")
        except SyntaxError as error:
            # Without a place, the formula ends too early.
            place = (error.offset or len(self.source) + 1) - 1
            words = _explained(error.msg, self.text)
            raise self._fault(words, self.skipped + place) from error
        # Brackets without end exhaust the parser, and a text may have half of a character.
        except (RecursionError, MemoryError, ValueError) as error:
            raise ArgumentError(f"noise {quoted(self.text)}: it cannot be parsed") from error
        return self._noise(tree.body, 0)

    def _noise(self, node: ast.expr, depth: int) -> Spec:
        """A noise; `depth` bounds the recursion."""
        if depth > DEEPEST:
            raise self._fault_at(node, f"nested deeper than {DEEPEST}")
        if isinstance(node, ast.Name):
            self._names(node)
            return {"name": node.id}
        if isinstance(node, ast.Call):
            return self._call(node, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            parts = self._operands(node, ast.BitOr)
            return {"name": "chain", "noises": [self._noise(each, depth + 1) for each in parts]}
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            terms = [self._term(each, depth + 1) for each in self._operands(node, ast.Add)]
            noise: Spec = {
                "name": "one_of",
                "noises": [noise for _, noise in terms],
                "weights": [weight for weight, _ in terms],
            }
            return self._checked(noise, node, {})
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            raise self._fault_at(
                node, "a weight is for a sum, for example 0.5*gaussian + 0.5*uniform"
            )
        raise self._fault_at(node, "expected a noise, for example gaussian(std=0.1)")

    def _operands(self, node: ast.expr, operator: type[ast.operator]) -> list[ast.expr]:
        """What a series of one operator joins, from left to right."""
        found: list[ast.expr] = []
        # Not recursive: the tree of a long sum is as deep as the sum is long.
        while isinstance(node, ast.BinOp) and isinstance(node.op, operator):
            found.append(node.right)
            node = node.left
        return [node, *reversed(found)]

    def _term(self, node: ast.expr, depth: int) -> tuple[float, Spec]:
        """A weight and a noise."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            weight = self._number(node.left, depth)
            if weight is None:
                raise self._fault_at(
                    node.left, "expected a number as the weight, as in 0.5*gaussian"
                )
            return weight, self._noise(node.right, depth)
        return 1.0, self._noise(node, depth)

    def _call(self, node: ast.Call, depth: int) -> Spec:
        if not isinstance(node.func, ast.Name):
            raise self._fault_at(node.func, "expected the name of a noise")
        names, is_open_ended = self._names(node.func)
        if len(node.args) > len(names):
            takes = ", ".join(names) or "no arguments"
            raise self._fault_at(node.args[len(names)], f"'{node.func.id}' takes {takes}")
        given: Spec = {}
        places: dict[str, ast.expr] = {}
        pairs = [*zip(names, node.args, strict=False), *((k.arg, k.value) for k in node.keywords)]
        for name, value in pairs:
            if name is None:
                raise self._fault_at(value, "'**' cannot be used")
            if name in given or name == "name":
                raise self._fault_at(value, f"'{name}' is given twice")
            if name not in names and not is_open_ended:
                # The start of "name=value".
                raise self._fault_at(value, self._unknown(name, names), -len(name) - 1)
            given[name], places[name] = self._value(value, depth + 1), value
        return self._checked({"name": node.func.id, **given}, node, places)

    def _checked(self, noise: Spec, node: ast.expr, places: Mapping[str, ast.expr]) -> Spec:
        """A noise whose values fit; a message is placed at the argument that it names."""
        try:
            self.check_noise(noise)
        except ArgumentError as error:
            # A file may be missing where a formula is only read.
            if _comes_from_a_file(error):
                return noise
            named = (places[name] for name in places if re.search(rf"\b{name}\b", str(error)))
            raise self._fault_at(next(named, node), str(error)) from error
        except RestoreKitError:
            pass  # not about a value; it is raised where the noise is made
        return noise

    def _value(self, node: ast.expr, depth: int) -> object:
        if depth > DEEPEST:
            raise self._fault_at(node, f"nested deeper than {DEEPEST}")
        if isinstance(node, ast.Name):
            return _CONSTANTS.get(node.id, node.id)
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self._value(each, depth + 1) for each in node.elts]
        if isinstance(node, ast.Dict):
            return {
                self._key(key, node): self._value(value, depth + 1)
                for key, value in zip(node.keys, node.values, strict=True)
            }
        if (number := self._number(node, depth)) is not None:
            return number
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, bool, type(None))):
            return node.value
        if isinstance(node, (ast.Call, ast.BinOp)):
            return self._noise(node, depth)
        raise self._fault_at(node, "expected a number, a text, a list or a noise")

    def _key(self, node: ast.expr | None, inside: ast.Dict) -> str:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            raise self._fault_at(
                node or inside, 'expected a key in quotation marks, as in {"key": 1}'
            )
        return node.value

    def _number(self, node: ast.expr, depth: int) -> float | int | None:
        """A number, with a sign or as a fraction of two, or None."""
        if depth > DEEPEST:
            raise self._fault_at(node, f"nested deeper than {DEEPEST}")
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            number = self._number(node.operand, depth + 1)
            return None if number is None else -number
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            above = self._number(node.left, depth + 1)
            below = self._number(node.right, depth + 1)
            if above is None or below is None:
                return None
            if below == 0:
                raise self._fault_at(node.right, "division by 0")
            try:
                return above / below
            except OverflowError as error:
                raise self._fault_at(node, "a number is too large") from error
        value = node.value if isinstance(node, ast.Constant) else None
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def _names(self, node: ast.Name) -> tuple[Sequence[str], bool]:
        """The names of the arguments of a noise, and whether it takes others."""
        try:
            return self.argument_names(node.id)
        except LookupError as error:
            place = f"noise {quoted(self.text)}, character {self._place(node) + 1}"
            raise type(error)(f"{place}: {error}") from error

    def _unknown(self, name: str, names: Sequence[str]) -> str:
        takes = ", ".join(names) or "none"
        return f"unknown argument '{name}'.{did_you_mean(name, names)} It takes: {takes}"

    def _place(self, node: ast.expr) -> int:
        # `col_offset` counts bytes.
        line = self.source.encode()[: node.col_offset]
        return self.skipped + len(line.decode(errors="ignore"))

    def _fault_at(self, node: ast.expr, words: str, moved: int = 0) -> ArgumentError:
        return self._fault(words, self._place(node) + moved)

    def _fault(self, words: str, place: int) -> ArgumentError:
        return ArgumentError(f"noise {quoted(self.text)}, character {place + 1}: {words}")


def _comes_from_a_file(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__
    return error is not None


def _explained(message: str, text: str) -> str:
    """A message of Python's parser, with a hint where a colon may be what it did not understand."""
    return f"{message}; write name(key=value) in place of name:VALUE" if ":" in text else message
