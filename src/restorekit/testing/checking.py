"""Running checks: what a component is checked with, and what each check found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from restorekit.components.isolation import describe_cause
from restorekit.errors import MissingExtraError, did_you_mean, message_of
from restorekit.testing.subject import Subject

CheckFunction = Callable[[Subject], None]
Result = Literal["ok", "failed", "not checked"]
PASSED: Result = "ok"
FAILED: Result = "failed"
OMITTED: Result = "not checked"


class NotApplicable(Exception):  # noqa: N818, since it is not an error
    """A check does not concern a component; the message says why."""


@dataclass(frozen=True)
class CheckResult:
    """The result of one check of one component.

    Attributes:
        check: the name of the check, for example "any size".
        result: whether the contract is kept; "not checked" if it does not concern the component.
        reason: for a failure, the contract and what was found; for "not checked", why.
    """

    check: str
    result: Result
    reason: str = ""


def require(kept: object, found: str) -> None:
    """Fail a check with what was found, unless the contract is kept.

    Raises:
        AssertionError: it is not.
    """
    if not kept:
        raise AssertionError(found)


def run_checks(
    subject: Subject, checks: Sequence[CheckFunction], skip: Collection[str] = ()
) -> list[CheckResult]:
    """Run checks one after the other; a failure of one does not end the others.

    Args:
        subject: the component.
        checks: functions that raise an error if the contract, the first paragraph of their
            docstring, is broken.
        skip: names of checks to leave out.

    Raises:
        ValueError: a name in `skip` is not that of a check.
    """
    names = [name_of(check) for check in checks]
    for name in skip:
        if name not in names:
            near = did_you_mean(name, names)
            raise ValueError(f"no check is named '{name}'.{near} Checks: {', '.join(names)}")
    return [_run(subject, check) for check in checks if name_of(check) not in skip]


def raise_failures(subject: Subject, results: Sequence[CheckResult]) -> None:
    """Raise one error for all failures.

    Raises:
        AssertionError: a check failed. The message has a line for each failure.
    """
    lines = [f"  {each.check}: {each.reason}" for each in results if each.result == FAILED]
    if lines:
        raise AssertionError("\n".join([f"{subject.label} does not keep to its contract:", *lines]))


def name_of(check: Callable[..., Any]) -> str:
    """The name of a check, from that of its function."""
    return check.__name__.replace("_", " ")


def _run(subject: Subject, check: CheckFunction) -> CheckResult:
    name = name_of(check)
    try:
        check(subject)
    except (NotApplicable, MissingExtraError) as why:
        return CheckResult(name, OMITTED, message_of(why))
    except AssertionError as error:
        return CheckResult(name, FAILED, f"{_contract(check)} Found: {message_of(error)}")
    # A component may raise anything; SystemExit must not end the tests either.
    except (Exception, SystemExit) as error:
        return CheckResult(name, FAILED, f"{_contract(check)} It raised {describe_cause(error)}")
    return CheckResult(name, PASSED)


def _contract(check: CheckFunction) -> str:
    return " ".join((check.__doc__ or "").split("\n\n")[0].split())
