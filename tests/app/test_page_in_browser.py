"""The web page in a real browser: one visit, and what it must have shown.

Needs the extra `test-app`, Chromium and its driver.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import pytest
import tifffile
from PIL import Image
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import restorekit
from tests.app.chromium import Browser, find_browser, open_browser

# The server with a record of each address that it connects to.
SERVER = """
import sys
from restorekit.cli.main import main
log = open(sys.argv[1], "a", buffering=1)
sys.addaudithook(
    lambda event, details: print(details[1], file=log) if event == "socket.connect"
    else print(details[0:2], file=log) if event == "socket.getaddrinfo" else None
)
sys.argv[1:] = sys.argv[2:]
sys.exit(main())
"""
SOURCE = str(Path(restorekit.__file__).parents[1])
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LARGEST = 1  # megabytes of an upload


@dataclass
class Visit:
    """What a visitor has seen and received."""

    folder: Path
    analysis: str = ""
    previews: list[np.ndarray[Any, Any]] = field(default_factory=list)
    handle: list[float] = field(default_factory=list)
    words: str = ""
    result: Path = Path()
    errors: list[str] = field(default_factory=list)
    batch: str = ""
    archive: Path = Path()
    scores: str = ""
    run: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    address: str = ""
    refused: list[int] = field(default_factory=list)
    files_during: int = 0
    sessions_after: list[Path] = field(default_factory=list)
    left: list[Path] = field(default_factory=list)
    code: int | None = None
    printed: str = ""
    connections: str = ""


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Visit:
    """A visit from start to end."""
    find_browser()  # before anything is started
    seen = Visit(tmp_path_factory.mktemp("visit"))
    prepare(seen.folder)
    temporary = seen.folder / "temporary"
    with running_server(seen, temporary) as server:
        with open_browser(seen.address, seen.folder / "downloads") as browser:
            restore_one(browser, seen)
            refuse_bad_files(browser, seen)
            restore_many(browser, seen)
            add_noise(browser, seen)
            follow_a_run(browser, seen)
            seen.refused = [status_of(seen, path) for path in ("deep.tif", "connections")]
            seen.requests = browser.requests()
            seen.files_during = len(list(temporary.glob("restorekit-app-*/sessions/*")))
        end = time.monotonic() + 10
        while list(temporary.glob("restorekit-app-*/sessions/*")) and time.monotonic() < end:
            time.sleep(0.1)
        seen.sessions_after = list(temporary.glob("restorekit-app-*/sessions/*"))
        server.send_signal(signal.SIGTERM)
        seen.code = server.wait(30)
    seen.left = list(temporary.iterdir())
    seen.connections = (seen.folder / "connections").read_text()
    return seen


def prepare(folder: Path) -> None:
    """The pictures and the run of the visitor."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:80, :120] / 100
    clean = np.stack([0.3 + 0.3 * y, 0.4 + 0.2 * x, 0.5 + 0.1 * np.sin(9 * x)], -1)
    noisy = (clean + random.normal(0, 0.08, clean.shape)).clip(0, 1)
    extra = [(315, 2, 0, "A. Photographer", True)]
    deep = np.rint(noisy * 65535).astype(np.uint16)
    tifffile.imwrite(folder / "deep.tif", deep, photometric="rgb", extratags=extra)
    for name in ("a", "b"):
        Image.fromarray(np.rint(noisy * 255).astype(np.uint8)).save(folder / f"{name}.png")
    (folder / "notes.png").write_text("<b>no</b> picture")
    (folder / "large.png").write_bytes(bytes((LARGEST + 1) * 1_000_000))
    run = folder / "runs" / "photos"
    run.mkdir(parents=True)
    add_row(run, 10, 0.5)
    (folder / "temporary").mkdir()


def add_row(run: Path, step: int, loss: float) -> None:
    """A record of a training run."""
    row = {"step": step, "phase": "train", "loss": loss, "terms": {}}
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


@contextlib.contextmanager
def running_server(seen: Visit, temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """`restorekit app` in a process of its own."""
    words = ["app", "--no-browser", "--max-upload", str(LARGEST), "--runs", "runs"]
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, "connections", *words],
        cwd=seen.folder,
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert server.stdout is not None
    try:
        seen.printed = server.stdout.readline()
        seen.address = seen.printed.partition(" ")[0].strip()
        assert seen.address.startswith("http"), seen.printed
        yield server
    finally:
        server.kill()
        seen.printed += server.stdout.read()
        server.stdout.close()
        server.wait()


def status_of(seen: Visit, name: str) -> int:
    """The answer of the server to a request for a file that nobody uploaded."""
    try:
        with urlopen(f"{seen.address}gradio_api/file={seen.folder / name}") as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


def restore_one(browser: Browser, seen: Visit) -> None:
    """Upload a picture, look at the preview at two strengths, restore and download it."""
    browser.upload("#picture", seen.folder / "deep.tif")
    browser.wait_for_text("#close-up-words", "Restored by")
    seen.previews = [shown(browser, "#close-up", number) for number in (0, 1)]
    strength = browser.find("input[type=range][aria-label*='Strength']")
    strength.send_keys(Keys.HOME)
    first = seen.previews[1]
    browser.wait(lambda: not np.array_equal(shown(browser, "#close-up", 1), first), "new preview")
    seen.previews.append(shown(browser, "#close-up", 1))
    strength.send_keys(Keys.END)
    browser.find("#restore").click()
    seen.words = browser.wait_for_text("#whole-words", "Restored by")
    move_handle(browser, seen)
    seen.result = browser.download("#download")
    browser.open_tab("Analysis")
    seen.analysis = browser.find("#analysis table").text


def shown(browser: Browser, selector: str, number: int) -> np.ndarray[Any, Any]:
    """The pixels of a picture of a slider, from the address that the page shows."""
    pictures = browser.wait(
        lambda: found if len(found := pictures_of(browser, selector)) >= 2 else None, selector
    )
    script = (
        "const [address, done] = arguments; fetch(address).then(r => r.arrayBuffer())"
        ".then(b => done(Array.from(new Uint8Array(b))))"
    )
    data = browser.driver.execute_async_script(script, pictures[number].get_attribute("src"))
    with Image.open(io.BytesIO(bytes(data))) as image:
        return np.asarray(image)


def pictures_of(browser: Browser, selector: str) -> list[Any]:
    """The picture elements of a component: before, and after."""
    return list(browser.driver.find_elements(By.CSS_SELECTOR, f"{selector} img"))


def move_handle(browser: Browser, seen: Visit) -> None:
    """Drag the divider of the whole picture to the left."""
    handle = browser.find("#whole .icon-wrap")
    seen.handle.append(handle.rect["x"])
    ActionChains(browser.driver).drag_and_drop_by_offset(handle, -120, 0).perform()
    seen.handle.append(handle.rect["x"])


def refuse_bad_files(browser: Browser, seen: Visit) -> None:
    """Upload a file that is not a picture, and one that is too large."""
    for name in ("notes.png", "large.png"):
        browser.driver.find_element(By.CSS_SELECTOR, "#picture [aria-label=Clear]").click()
        browser.upload("#picture", seen.folder / name)
        toast = browser.find(".toast-body")
        seen.errors.append(toast.text)
        browser.find(".toast-close").click()
        browser.wait(lambda: not browser.texts(".toast-body"), "end of the message")


def restore_many(browser: Browser, seen: Visit) -> None:
    """A batch with a bad file."""
    browser.open_tab("Batch")
    names = ("a.png", "notes.png", "b.png")
    browser.upload("#pictures", *(seen.folder / name for name in names))
    browser.find("#pictures [aria-label='b.png']")
    browser.find("#restore-all").click()
    seen.batch = browser.wait_for_text("#results", "Failed")
    seen.archive = browser.download("#archive")


def add_noise(browser: Browser, seen: Visit) -> None:
    """Noise on a clean picture."""
    browser.open_tab("Add noise")
    browser.upload("#clean", seen.folder / "a.png")
    browser.find("#clean [aria-label='a.png']")
    browser.find("#try").click()
    seen.scores = browser.wait_for_text("#scores", "PSNR")


def follow_a_run(browser: Browser, seen: Visit) -> None:
    """A run that goes on while it is watched."""
    browser.open_tab("Training")
    seen.run.append(browser.wait_for_text("#run-words", "Step 10"))
    add_row(seen.folder / "runs" / "photos", 20, 0.25)
    seen.run.append(browser.wait_for_text("#run-words", "Step 20"))
    browser.find("#curves img")


def test_the_download_is_the_librarys(visit: Visit) -> None:
    """Byte for byte what `denoise_files` writes: 16 bits, and the name of the photographer."""
    expected = visit.folder / "expected.tif"
    restorekit.denoise_files(visit.folder / "deep.tif", expected)
    assert visit.result.name == "deep-restored.tif"
    assert visit.result.read_bytes() == expected.read_bytes()
    with tifffile.TiffFile(visit.result) as file:
        assert file.pages.first.dtype == np.uint16
        assert file.pages.first.tags[315].value == "A. Photographer"


def test_the_preview_follows_the_strength(visit: Visit) -> None:
    """It shows the picture, a smoother one at full strength, and the same one without strength."""
    before, after, without = visit.previews
    original = tifffile.imread(visit.folder / "deep.tif")
    assert np.abs(before.astype(float) - original / 257).max() <= 1
    assert (
        np.abs(np.diff(after.astype(float), axis=1)).mean()
        < 0.5 * np.abs(np.diff(before.astype(float), axis=1)).mean()
    )
    assert np.array_equal(without, before)


def test_the_divider_moves(visit: Visit) -> None:
    """To where it is dragged."""
    assert visit.handle[0] - visit.handle[1] == pytest.approx(120, abs=8)


def test_the_analysis_is_the_librarys(visit: Visit) -> None:
    """Its words are on the page."""
    found = restorekit.analyze_files(visit.folder / "deep.tif").results[0].pages[0]
    for words in found.words.values():
        assert words in visit.analysis


def test_a_bad_file_is_reported_in_one_line(visit: Visit) -> None:
    """What is wrong with it, without its folder; markup in it is not interpreted."""
    unreadable, large = visit.errors
    assert "notes.png" in unreadable
    assert "restorekit-app-" not in unreadable + visit.batch
    assert len(unreadable.splitlines()) == 3  # with the title and a cross
    assert "size" in large.lower() or "large" in large.lower()


def test_a_batch_becomes_a_zip(visit: Visit) -> None:
    """With the results of the library; the bad file is in the table only."""
    assert [line.split()[0] for line in visit.batch.splitlines()[1:]] == [
        *("a.png", "notes.png", "b.png"),
    ]
    expected = visit.folder / "expected.png"
    restorekit.denoise_files(visit.folder / "a.png", expected)
    with zipfile.ZipFile(visit.archive) as archive:
        assert archive.namelist() == ["a.png", "b.png"]
        assert archive.read("a.png") == expected.read_bytes()


def test_noise_and_its_removal_are_measured(visit: Visit) -> None:
    """PSNR and SSIM before and after."""
    lines = visit.scores.splitlines()
    psnr = [float(word) for word in lines[1].split()[1::2]]
    assert lines[2].startswith("SSIM")
    assert psnr[1] > psnr[0]


def test_a_run_is_followed(visit: Visit) -> None:
    """A new record appears without a click."""
    assert visit.run == ["Step 10, train loss 0.5.", "Step 20, train loss 0.25."]


def test_nothing_goes_to_another_computer(visit: Visit) -> None:
    """Neither the page nor the server contacts any other address."""
    assert len(visit.requests) > 20
    hosts = {urlsplit(url).hostname for url in visit.requests if url.startswith(("http", "ws"))}
    assert hosts == {"127.0.0.1"}
    assert visit.connections
    assert [
        line
        for line in visit.connections.splitlines()
        if not any(f"'{host}'" in line for host in LOOPBACK)
    ] == []


def test_files_of_the_computer_are_not_served(visit: Visit) -> None:
    """A file next to those of the server cannot be fetched by its path."""
    assert visit.refused == [403, 403]


def test_the_files_are_removed(visit: Visit) -> None:
    """Those of a visitor when the page is closed, and everything when the server ends."""
    assert visit.files_during == 1
    assert visit.sessions_after == []
    assert visit.left == []


def test_the_server_ends_quietly(visit: Visit) -> None:
    """It prints its address and nothing else, and SIGTERM gives the usual code."""
    assert visit.printed.startswith("http://127.0.0.1:")
    assert len(visit.printed.splitlines()) == 1
    assert visit.code == 128 + signal.SIGTERM
