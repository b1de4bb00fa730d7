"""Bringing the page about the zoo up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from restorekit.errors import RestoreKitError
from restorekit.zoo.entries import OWN, ZooEntry, find_entries
from restorekit.zoo.facts import Facts, count_facts
from restorekit.zoo.measure import measure
from restorekit.zoo.zoo_files import ZooFiles
from restorekit.zoo.zoo_page import write_text


def page_entries() -> list[ZooEntry]:
    """The models of restorekit itself, with all of their presets."""
    return [entry for entry in find_entries() if entry.provider == OWN]


def page_text(files: ZooFiles) -> str:
    """The page, from what is recorded.

    Raises:
        DataError: a file next to the page has other content.
    """
    known = files.read_facts()
    facts = {entry: known.get(entry.label, Facts(None, None)) for entry in page_entries()}
    return write_text(facts, files.read_results(), files.read_parity(), files.read_survey())


def measure_missing(
    path: Path, report: Callable[[str], None], again: Iterable[ZooEntry] = ()
) -> None:
    """Measure the networks of a page that have not been measured, and record the results.

    Args:
        path: the Markdown file; the results are in a JSON file next to it.
        report: called with a line before each measurement.
        again: networks to measure although they have been.

    Raises:
        DataError: the file has other content.
    """
    files, again = ZooFiles(path), set(again)
    results = files.read_results()
    for entry in page_entries():
        known = None if entry in again else results.get(entry.label)
        if known is not None and known.complete:
            continue
        report(f"measuring {entry.label}")
        results[entry.label] = measure(entry, known)
        files.write_results(results)  # at once, since the next one may take minutes


def write_page(path: Path) -> None:
    """Count again, and write the page; forget results of what is gone.

    Raises:
        DataError: a file next to the page has other content.
    """
    files, entries = ZooFiles(path), {entry.label: entry for entry in page_entries()}
    results = files.read_results()
    files.read_parity(), files.read_survey()  # before anything is written
    files.write_facts({label: counted(entry) for label, entry in entries.items()})
    if not results.keys() <= entries.keys():
        files.write_results({label: results[label] for label in results.keys() & entries.keys()})
    files.write_page(page_text(files))


def counted(entry: ZooEntry) -> Facts:
    """What is counted of a network, or why it cannot be."""
    try:
        return count_facts(entry)
    except RestoreKitError as error:
        return Facts(None, None, str(error))
