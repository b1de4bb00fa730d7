"""The web service of `examples/service.py`, driven through its ASGI interface."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import re
import struct
import threading
import zlib
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

import restorekit

ROOT = Path(__file__).parents[2]
Client = httpx.AsyncClient


@pytest.fixture(autouse=True)
def _limit_of_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service changes it for its process; a test puts it back."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)


@pytest.fixture(scope="module")
def service() -> ModuleType:
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("service", ROOT / "examples" / "service.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def served(service: ModuleType, use: Callable[[Client], Awaitable[Any]]) -> Any:
    """What `use` returns for a client of the running service."""

    async def run() -> Any:
        transport = httpx.ASGITransport(service.app)
        async with (
            service.app.router.lifespan_context(service.app),
            Client(transport=transport, base_url="http://service") as client,
        ):
            return await use(client)

    return asyncio.run(run())


def noisy(level: int = 120, side: int = 64) -> bytes:
    """A JPEG file of a flat picture with noise of 25 levels."""
    pixels = np.random.default_rng(level).normal(level, 25, (side, side, 3)).clip(0, 255)
    return encoded(Image.fromarray(pixels.astype(np.uint8)), "jpeg", quality=95)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a picture file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def decoded(data: bytes) -> Image.Image:
    """The picture in a response."""
    return Image.open(io.BytesIO(data))


def test_a_picture_is_restored_as_by_the_library(service: ModuleType) -> None:
    """With the estimated level, and with a given one; EXIF is kept."""
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    data = encoded(decoded(noisy()), "jpeg", quality=95, exif=exif)

    async def use(client: Client) -> list[httpx.Response]:
        paths = ("/denoise", "/denoise?sigma=25", "/health")
        return [
            await (client.post(path, content=data) if "denoise" in path else client.get(path))
            for path in paths
        ]

    estimated, given, health = served(service, use)
    for response, sigma in ((estimated, None), (given, 25 / 255)):
        assert response.status_code == 200
        assert response.headers["content-type"] == "image/png"
        expected = restorekit.Denoiser(sigma=sigma)(data)
        restored = decoded(response.content)
        assert restored.tobytes() == expected.tobytes()
        assert restored.getexif()[0x010F] == "a maker"
    assert 15 < float(estimated.headers["X-Noise-Level"]) < 35
    assert np.asarray(decoded(given.content)).std() < 10
    assert "Denoiser 'auto'" in health.json()["model"]


def test_simultaneous_requests_do_not_mix(service: ModuleType) -> None:
    """Each gets its own picture, restored in a thread of the pool, and the model is loaded once."""
    names: set[str] = set()
    denoiser = restorekit.Denoiser()

    async def use(client: Client) -> list[bytes]:
        restorer, before = service.restore, service.app.state.denoiser
        service.restore = lambda *given: (
            (names.add(threading.current_thread().name), given)[1] and restorer(*given)
        )
        try:
            sent = (client.post("/denoise", content=noisy(level)) for level in range(60, 200, 20))
            responses = await asyncio.gather(*sent)
        finally:
            service.restore = restorer
        assert service.app.state.denoiser is before
        return [response.content for response in responses]

    for level, content in zip(range(60, 200, 20), served(service, use), strict=True):
        assert decoded(content).tobytes() == denoiser(noisy(level)).tobytes()
    assert len(names) == service.THREADS
    assert threading.main_thread().name not in names


def test_mistakes_are_4xx_with_one_line(
    service: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the library, or of the service itself; later requests still work."""
    monkeypatch.setattr(restorekit, "Denoiser", partial(restorekit.Denoiser, "median"))
    monkeypatch.setattr(service, "MAX_BYTES", 20_000)
    monkeypatch.setattr(service, "MAX_PIXELS", 100_000)
    bomb = encoded(Image.new("L", (1000, 1000)), "png")
    cases: list[tuple[str, bytes, int, str]] = [
        ("/denoise", b"no picture", 415, "cannot read the image data: "),
        ("/denoise", b"", 415, "cannot read the image data: it is empty"),
        ("/denoise", noisy()[:500], 415, "cannot read the image data: "),
        ("/denoise", bytes(20_001), 413, "a picture file may have 20000 bytes"),
        ("/denoise", bomb, 413, "a picture may have 100000 pixels, not 1000000"),
    ]

    async def use(client: Client) -> list[httpx.Response]:
        posted = [await client.post(path, content=data) for path, data, _, _ in cases]
        return [
            *posted,
            await client.post("/denoise?sigma=300", content=noisy()),
            await client.post("/denoise?sigma=nan", content=noisy()),
            await client.post("/denoise", content=noisy()),
        ]

    *refused, high, odd, fine = served(service, use)
    for (_, _, status, message), response in zip(cases, refused, strict=True):
        assert response.status_code == status
        detail = response.json()["detail"]
        assert detail.startswith(message)
        assert "\n" not in detail
        assert "/" not in detail  # no path of the server
    assert (high.status_code, odd.status_code, fine.status_code) == (422, 422, 200)


@pytest.mark.parametrize("megapixels", [100, 200])
def test_the_limit_is_of_the_service_for_any_size(service: ModuleType, megapixels: int) -> None:
    """Pillow warns above 89 megapixels and raises above 179; only the header is read."""
    width = megapixels * 100
    header = b"IHDR" + struct.pack(">IIBBBBB", width, 10_000, 8, 0, 0, 0, 0)
    end = b"\0\0\0\0IEND\xaeB`\x82"
    data = b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + struct.pack(">I", zlib.crc32(header)) + end
    response = served(service, lambda client: client.post("/denoise", content=data))
    assert response.status_code == 413
    assert f"not {megapixels}000000" in response.json()["detail"]


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_values_that_png_cannot_store_are_refused(
    service: ModuleType, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    """A gray TIFF of such values can be restored, but not saved as PNG."""
    monkeypatch.setattr(restorekit, "Denoiser", partial(restorekit.Denoiser, "median", white=255))
    values = np.random.default_rng(0).uniform(0, 255, (32, 32)).astype(dtype)
    data = encoded(Image.fromarray(values), "tiff")
    response = served(service, lambda client: client.post("/denoise", content=data))
    assert response.status_code == 415
    assert "which PNG cannot store" in response.json()["detail"]


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block of docs/service.md, one after the other."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(noisy())
    text = (ROOT / "docs" / "service.md").read_text("utf-8")
    namespace: dict[str, Any] = {"__name__": "page"}
    found = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found
    for block in found:
        exec(compile(block, "docs/service.md", "exec"), namespace)
