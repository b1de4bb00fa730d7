"""Harmful plugins, each a small module, for every kind of fault and place.

`HOSTILE` has them by the name of their distribution; `install(site)` writes all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.components.plugin_site import HEAD, Site

# What can be raised; the first lines define it.
RAISED = {
    "exit": "raise SystemExit(0)",
    "exit-text": "raise SystemExit('goodbye')",
    "interrupt": "raise KeyboardInterrupt",
    "base": "raise BaseException('base')",
    "generator": "raise GeneratorExit",
    "stop": "raise StopIteration",
    "group": "raise ExceptionGroup('some', [ValueError(1)])",
    "base-group": "raise BaseExceptionGroup('all', [KeyboardInterrupt(), SystemExit(1)])",
    "unprintable": "class E(Exception):\n    def __str__(self): raise SystemExit(0)\nraise E",
    "unprintable-base": "class E(BaseException):\n    __str__ = None\nraise E",
    "memory": "raise MemoryError",
    "recursion": "def f(): f()\nf()",
    "long": "raise RuntimeError('long\\n' * 100_000)",
    "escapes": "raise RuntimeError('\\x1b[31m\\x07\\u202e red')",
    "assertion": "assert False",
    "unicode": "raise UnicodeDecodeError('utf-8', b'\\xff', 0, 1, 'bad')",
    "own-error": "import restorekit\nraise restorekit.ConfigError(['a', 'b'])",
    "warning": "raise UserWarning('raised')",
}
# What can be changed, and how that is named.
CHANGED = {
    "directory": ("import os\nos.chdir('/')", "the working directory"),
    "path": ("import sys\nsys.path.reverse()", "sys.path"),
    "path-gone": ("import sys\nsys.path = []", "sys.path"),
    "environment": ("import os\nos.environ['RANK'] = '3'", "the environment"),
    "no-home": ("import os\nos.environ.clear()", "the environment"),
    "strict-warnings": ("import warnings\nwarnings.simplefilter('error')", "the warning filters"),
    "no-warnings": ("import warnings\nwarnings.simplefilter('ignore')", "the warning filters"),
    "mute": ("import warnings\nwarnings.showwarning = print", "how warnings are shown"),
    "logging": ("import logging\nlogging.basicConfig(level=1)", "logging"),
    "no-logging": ("import logging\nlogging.disable(50)", "logging"),
    "signals": ("import signal\nsignal.signal(15, signal.SIG_IGN)", "the signal handlers"),
    "no-ctrl-c": ("import signal\nsignal.signal(2, signal.SIG_IGN)", "the signal handlers"),
    "streams": ("import sys\nsys.stdout = None", "the standard streams"),
    "shallow": ("import sys\nsys.setrecursionlimit(600)", "the recursion limit"),
    "open": ("import builtins\nbuiltins.open = None", "the built-in functions"),
    "garbage": ("import gc\ngc.disable()", "garbage collection"),
    "random": ("import random\nrandom.seed(0)", "the random state"),
    "dtype": ("import torch\ntorch.set_default_dtype(torch.float64)", "the default dtype"),
    "device": ("import torch\ntorch.set_default_device('meta')", "the default device"),
    "no-grad": ("import torch\ntorch.set_grad_enabled(False)", "grad mode"),
    "threads": ("import torch\ntorch.set_num_threads(7)", "the number of threads"),
    "seed": ("import torch\ntorch.manual_seed(0)", "the random state"),
    "numpy": ("import numpy\nnumpy.seterr(all='raise')", "numpy's treatment of errors"),
    "truncated": (
        "from PIL import ImageFile\nImageFile.LOAD_TRUNCATED_IMAGES = True",
        "Pillow's limits",
    ),
}
# What a hook can return instead of components.
RETURNED = {
    "none": "None",
    "number": "7",
    "class": "Component",
    "odd-summary": "Component('a', dict, summary=7)",
    "odd-reference": "Component('a', dict, reference=None)",
    "odd-tags": "Component('a', dict, tags=5)",
    "odd-tag": "Component('a', dict, tags=(1, 2))",
    "odd-target": "Component('a', 'nowhere')",
    "odd-name": "Component('A-b', dict)",
    "endless": "(Component('a', dict) for _ in iter(int, 1))",
    "unshowable": "type('X', (), {'__repr__': lambda self: exit(0)})()",
    "lazy": "(1 / 0 for _ in [1])",
    "bad-iterator": "type('I', (), {'__iter__': lambda self: exit(0)})()",
}
# What a target can be; its component is called by the key, with underscores.
TARGETS = {
    **{f"target-{name}": body for name, body in RAISED.items() if name != "own-error"},
    "target-none": "return None",
    "target-number": "return 7",
    "target-dict": "return {}",
    "target-builtin": "return print",
}


@dataclass(frozen=True)
class Hostile:
    """A plugin that does harm.

    Attributes:
        source: its module.
        is_set_aside: whether it must be; else it is loaded.
        changed: what it changes when it is loaded, as it is named.
        target: the name of a noise that it brings and that cannot be made.
    """

    source: str
    is_set_aside: bool = False
    changed: str = ""
    target: str = ""


def install(site: Site) -> None:
    """Write each of them as a separate distribution."""
    for name, hostile in HOSTILE.items():
        site.add(name, hostile.source)


def _indented(body: str) -> str:
    return "\n".join(f"    {line}" for line in body.splitlines())


def _hook(body: str) -> str:
    return f"{HEAD}\n@hookimpl\ndef restorekit_noises():\n{_indented(body)}\n"


def _made() -> Iterator[tuple[str, Hostile]]:
    for name, body in RAISED.items():
        yield f"import-{name}", Hostile(body, is_set_aside=True)
        yield f"hook-{name}", Hostile(_hook(body), is_set_aside=True)
    for name, (body, changed) in CHANGED.items():
        yield f"changes-{name}", Hostile(f"{body}\n{_hook('return []')}", changed=changed)
        yield f"hook-changes-{name}", Hostile(_hook(f"{body}\nreturn []"), changed=changed)
    for name, returned in RETURNED.items():
        yield f"returns-{name}", Hostile(_hook(f"return {returned}"), is_set_aside=True)
    for name, body in TARGETS.items():
        target = name.replace("-", "_")
        source = f"def make():\n{_indented(body)}\n"
        hook = _hook(f"return Component('{target}', make)")
        yield name, Hostile(f"{source}{hook}", target=target)


HOSTILE = dict(_made())
