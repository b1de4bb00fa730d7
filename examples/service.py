"""A web service that restores pictures, as a pattern for your own.

    uvicorn service:app --app-dir examples
    curl --data-binary @photo.jpg "http://127.0.0.1:8000/denoise?sigma=25" -o restored.png

The body of a request is a picture file, and the response a PNG file. `docs/service.md` explains it.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from PIL import Image

import restorekit

MAX_BYTES = 32 * 2**20  # of an upload
MAX_PIXELS = 40_000_000  # a small file may hold a large picture
PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
THREADS = 2  # pictures that are restored at once

# The statuses of the errors that are not the fault of a parameter.
STATUSES = {restorekit.ImageFileError: 415, restorekit.InsufficientMemoryError: 413}

Sigma = Annotated[float | None, Query(ge=0, le=255, description="noise level of 255 levels")]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the network once, and restore a small picture, so that the first request is fast."""
    # Pillow only warns above its limit, and raises above twice as much. `check_size` has our limit.
    Image.MAX_IMAGE_PIXELS = None
    app.state.denoiser = restorekit.Denoiser()
    app.state.denoiser(Image.effect_noise((64, 64), 40))
    with ThreadPoolExecutor(THREADS) as app.state.pool:
        yield


app = FastAPI(title="restorekit", lifespan=lifespan)


@app.exception_handler(restorekit.RestoreKitError)
async def refuse(_: Request, error: restorekit.RestoreKitError) -> JSONResponse:
    """The line of the library, as a response of status 4xx."""
    status = next((code for kind, code in STATUSES.items() if isinstance(error, kind)), 422)
    return JSONResponse({"detail": str(error)}, status)


@app.get("/health")
async def health(request: Request) -> dict[str, str]:
    """What is served, once it is loaded."""
    return {"version": restorekit.__version__, "model": repr(request.app.state.denoiser)}


@app.post("/denoise", response_class=Response)
async def denoise(request: Request, sigma: Sigma = None) -> Response:
    """Restore the picture in the body of the request."""
    data = await read_body(request)
    work = asyncio.get_running_loop().run_in_executor
    png, level = await work(request.app.state.pool, restore, request.app, data, sigma)
    return Response(png, media_type="image/png", headers={"X-Noise-Level": f"{level:.2f}"})


async def read_body(request: Request) -> bytes:
    """The body of a request, which is refused as soon as it is too large."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BYTES:
            raise HTTPException(413, f"a picture file may have {MAX_BYTES} bytes")
    return bytes(data)


def restore(app: FastAPI, data: bytes, sigma: float | None) -> tuple[bytes, float]:
    """In a thread of the pool: the restored picture as PNG, and its noise of 255 levels."""
    check_size(data)
    denoiser: restorekit.Denoiser = app.state.denoiser
    if sigma is not None:
        denoiser = denoiser.with_sigma(sigma / 255)  # which shares the network
    outcome = denoiser.restore(data)
    if outcome.image.mode not in PNG_MODES:
        raise HTTPException(415, "the picture has 32-bit values, which PNG cannot store")
    png = io.BytesIO()
    outcome.image.save(png, "png", exif=outcome.image.getexif())
    return png.getvalue(), 255 * max(outcome.sigma, default=0.0)


def check_size(data: bytes) -> None:
    """Refuse a picture with too many pixels before they are decoded."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            pixels = image.width * image.height
    except Exception:  # restorekit reads formats that Pillow does not, and explains the others
        return
    if pixels > MAX_PIXELS:
        raise HTTPException(413, f"a picture may have {MAX_PIXELS} pixels, not {pixels}")
