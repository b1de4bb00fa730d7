"""Hostile plugins: real distributions that misbehave when imported, asked, or used."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from textwrap import indent

from restorekit.components.kinds import REGISTRIES
from tests.fuzz.cases import Broken
from tests.fuzz.command import Said
from tests.fuzz.corpus import corpus
from tests.fuzz.processes import check_said, spawned

_HEAD = "import os, sys, logging, warnings, threading\nfrom restorekit import Component, hookimpl\n"
_DEEDS = {
    "exception": "raise ValueError('bad')",
    "base": "raise BaseException('bad')",
    "interrupt": "raise KeyboardInterrupt",
    "exit": "raise SystemExit(0)",
    "exit text": "sys.exit('bye')",
    "generator": "raise GeneratorExit",
    "stop": "raise StopIteration",
    "group": "raise BaseExceptionGroup('g', [KeyboardInterrupt(), ValueError('x')])",
    "unprintable": "class E(Exception):\n    __str__ = __repr__ = lambda self: 1 / 0\nraise E",
    "unprintable base": "class E(BaseException):\n    def __str__(self): sys.exit()\nraise E",
    "escapes": "raise ValueError('\\x1b]0;title\\x07 red \\x1b[31m \\u202e line\\nbreak')",
    "long": "raise ValueError('x' * 1_000_000)",
    "recursion": "def f(): f()\nf()",
    "memory": "raise MemoryError",
    "missing": "import no_such_module_at_all",
    "syntax": "exec('(')",
    "assertion": "assert False",
    "unicode": "raise UnicodeDecodeError('utf-8', b'x', 0, 1, 'bad')",
    "os": "raise OSError(28, 'No space left on device')",
    "broken pipe": "raise BrokenPipeError",
    "print": "print('hello from a plugin')",
    "print error": "print('hello', file=sys.stderr)",
    "write": "sys.stdout.write('no line end')",
    "close": "sys.stdout.close()",
    "no streams": "sys.stdout = sys.stderr = None",
    "warn": "warnings.warn('from a plugin')",
    "warnings as errors": "warnings.simplefilter('error')",
    "warnings off": "warnings.resetwarnings()",
    "move": "os.chdir('/')",
    "path": "sys.path.clear()",
    "path front": "sys.path.insert(0, '/nowhere')",
    "environment": "os.environ['RANK'] = '3'",
    "umask": "os.umask(0o777)",
    "logging": "logging.disable(); logging.basicConfig(level=0, force=True)",
    "recursion limit": "sys.setrecursionlimit(80)",
    "signals": "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "hook": "sys.excepthook = None",
    "dtype": "import torch; torch.set_default_dtype(torch.float64)",
    "grad": "import torch; torch.set_grad_enabled(False)",
    "threads": "import torch; torch.set_num_threads(7)",
}
_VALUES = (
    "None", "1", "'x'", "[None]", "[1, 2]", "{}", "dict", "Component", "iter([Component])",
    "(c for c in [1])", "(1 / 0 for _ in [1])", "[Component('ok', dict)] * 2",
    "(Component(f'n{i}', dict) for i in range(5000))", "Component(1, dict)",
    "Component('', dict)", "Component('a b', dict)", "Component('x' * 100_000, dict)",
    "Component('gaussian', dict)", "Component('dncnn', dict)", "Component('l1', 1)",
    "Component('red\\x1b[31m', dict)", "Component('ok', dict, summary='\\x1b[31m\\ny' * 9)",
    "Component('ok', dict, summary=1)", "Component('ok', dict, tags=(1, None))",
    "Component('ok', dict, tags='abc')", "Component('ok', 'no.such:thing')",
    "Component('ok', 'os')", "Component('ok', ':')", "Component('ok', None)",
    "Component('ok', print)",
)  # fmt: skip
_KINDS = tuple(each.plural for each in REGISTRIES.values())


def attack(random: Random, home: Path) -> str:
    """One plugin, and a command while it is installed."""
    where = random.choice(["import", "hook", "value", "create", "create", "use"])
    site = home / "site"
    site.mkdir()
    _install(site, _plugin(where, random))
    (home / "a.png").write_bytes(corpus()["png-2-8.png"])
    if where in ("create", "use"):
        return _used(home, site, random)
    return _listed(home, site, random)


def _install(site: Path, code: str) -> None:
    """A distribution with one module and its entry point."""
    (site / "hostile_module.py").write_text(code)
    info = site / "hostile-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[restorekit]\nhostile = hostile_module\n")


def _plugin(where: str, random: Random) -> str:
    deed = _DEEDS[random.choice(list(_DEEDS))]
    if where == "import":
        return _HEAD + deed + "\n"
    kind = random.choice(_KINDS)
    if where in ("hook", "value"):
        body = deed if where == "hook" else f"return {random.choice(_VALUES)}"
        return f"{_HEAD}\n@hookimpl\ndef restorekit_{kind}():\n{indent(body, '    ')}\n"
    first, second = (deed, "pass") if where == "create" else ("pass", deed)
    return (
        f"{_HEAD}import torch\n"
        "class Target(torch.nn.Module):\n"
        f"    def __init__(self):\n        super().__init__()\n{indent(first, ' ' * 8)}\n"
        f"    def forward(self, noisy, sigma=None, generator=None):\n{indent(second, ' ' * 8)}\n"
        "        return noisy\n"
        "@hookimpl\ndef restorekit_noises():\n    return Component('hostile_noise', Target)\n"
        "@hookimpl\ndef restorekit_models():\n    return Component('hostile_model', Target)\n"
    )


def _listed(home: Path, site: Path, random: Random) -> str:
    """The listings work, say what is wrong, and print nothing but themselves on stdout."""
    ways = (
        ["list"],
        ["plugins"],
        ["plugins", "--json"],
        ["describe", "model", "dncnn"],
        ["schema"],
    )
    words = random.choice([*ways, ["list", "--json"], ["plugins", "--json"]])
    said = spawned(words, site)
    check_said(said, (0,))
    if words == ["list"] and "salt_and_pepper" not in said.out:
        raise Broken(f"what is built in is not listed: {said.out[:300]!r}")
    if words[-1] in ("--json", "schema"):
        _check_json(said)
    if words[0] == "plugins" and "hostile" not in said.out:
        raise Broken(f"the plugin is not named: {said.out[:300]!r}")
    return "done"


def _used(home: Path, site: Path, random: Random) -> str:
    """Used, its component works or is refused by name; nothing half is written."""
    before, target = (home / "a.png").read_bytes(), home / "out" / "b.png"
    words: list[str | Path] = random.choice(
        [
            ["noise", home / "a.png", "-n", "hostile_noise", "-o", target],
            ["denoise", home / "a.png", "-m", "hostile_model", "-o", target, "--device", "cpu"],
            ["denoise", home / "a.png", "-m", "hostile_model", "-o", target, "--json"],
            ["describe", "model", "hostile_model"],
        ]
    )
    said = spawned(words, site)
    check_said(said)
    if said.code == 2 and "hostile" not in said.err:
        raise Broken(f"refused without its name: {said.err[-300:]!r}")
    if said.code == 0 and words[-1] == "--json":
        _check_json(said)
    if (home / "a.png").read_bytes() != before:
        raise Broken("the input was changed")
    if "-o" in words and target.exists() != (said.code == 0):
        raise Broken(f"exit code {said.code}, but the output is there: {target.exists()}")
    return "done" if said.code == 0 else "refused"


def _check_json(said: Said) -> None:
    try:
        json.loads(said.out)
    except ValueError as error:
        raise Broken(f"no JSON on stdout ({error}): {said.out[:200]!r}") from error
