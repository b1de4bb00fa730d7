"""Paths of this machine on a card that is published."""

from __future__ import annotations

import pytest

from restorekit.weights.local_paths import PATH_KEYS, without_local_paths


@pytest.mark.parametrize(
    "text",
    [
        *("A: a small network / for tests", "/255 noise", "sigma 25/255", "and/or", "1 / 2 / 3"),
        *("see https://example.org/a/b?c=/d/e", "hf-hub:acme/denoiser@v1", "a/relative/path.png"),
        *("./here/a.png", "../up/a.png", "~5 dB", "sigma ~5/255", "C: the third", "/", "km/h", ""),
        "gaussian:25, 8 bits",
    ],
)
def test_text_stays(text: str) -> None:
    """A slash, a colon or a tilde alone makes no path."""
    assert without_local_paths(text) == text
    assert without_local_paths({text: [text]}) == {text: [text]}


@pytest.mark.parametrize(
    ("text", "published"),
    [
        ("trained on /home/me/pics, twice", "trained on pics, twice"),
        ("(/home/me/a.png)", "(a.png)"),
        ("data=/home/me/a.png", "data=a.png"),
        ("folder:/home/me/pics", "folder:pics"),
        ("from ~/pics and ~/more/b.csv", "from pics and b.csv"),
        (r"C:\Users\me\a.png, d:/me/b.png", "a.png, b.png"),
        (r"on \\server\share\a.png", "on a.png"),
        ("file:///home/me/a.png", "a.png"),
        ("'file://localhost/home/me/a.png'", "'a.png'"),
        ("/home/me/pics/", "pics"),
        ("/home/me/my pictures", "my pictures"),
    ],
)
def test_words_that_are_paths_are_replaced(text: str, published: str) -> None:
    """Also in the middle of text, and in keys."""
    assert without_local_paths(text) == published
    assert without_local_paths({"psnr": {text: [text]}}) == {"psnr": {published: [published]}}


@pytest.mark.parametrize("key", sorted(PATH_KEYS))
@pytest.mark.parametrize(
    "path",
    ["/home/me, you/last name", "~/me/last name", r"C:\me you\last name", "file:///a b/last name"],
)
def test_values_of_paths_are_replaced_as_a_whole(key: str, path: str) -> None:
    """With the spaces that a path has, and at any depth."""
    assert without_local_paths({key: path}) == {key: "last name"}
    assert without_local_paths({key: {"a": [path, 3]}}) == {key: {"a": ["last name", 3]}}


def test_no_entry_is_lost() -> None:
    """Two paths may have the same last part."""
    psnr = {"/home/me/a": 1.0, "/home/you/a": 2.0, "a": None}
    assert without_local_paths(psnr) == {"a": 1.0, "a (2)": 2.0, "a (3)": None}
