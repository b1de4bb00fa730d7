"""A hundred harmful plugins, installed together: commands work, and each plugin is named."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.components.hostile_plugins import HOSTILE, install
from tests.components.plugin_site import HEAD, Site, noises

LOAD = """
import gc, json, logging, os, random, signal, sys, warnings

import numpy, torch
from PIL import ImageFile

def state():
    return [
        os.getcwd(), list(sys.path), dict(os.environ), [str(f) for f in warnings.filters],
        warnings.showwarning.__name__, logging.root.level, len(logging.root.handlers),
        logging.root.manager.disable, str(signal.getsignal(15)), str(signal.getsignal(2)),
        sys.stdout is out, sys.getrecursionlimit(), open is not None, gc.isenabled(),
        str(random.getstate()), str(torch.zeros(1).dtype), str(torch.zeros(1).device),
        torch.is_grad_enabled(), torch.get_num_threads(), torch.get_rng_state().tolist(),
        numpy.geterr(), ImageFile.LOAD_TRUNCATED_IMAGES,
    ]

out = sys.stdout
import restorekit
from restorekit.components.plugin_host import loaded_plugins
before = state()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    found = loaded_plugins()
after = state()
made = {}
for name in restorekit.list_noises("target_*"):
    try:
        restorekit.create_noise(name)
    except restorekit.RestoreKitError as error:
        made[name] = [type(error).__name__, str(error)]
print(json.dumps({
    "same": before == after,
    "warnings": [str(w.message) for w in caught],
    "plugins": {p.provider.distribution: [p.cause or "".join(p.faults) or None, p.changed]
                for p in found},
    "made": made,
}))
"""
COMMANDS = """
import json, sys
from PIL import Image
from restorekit.cli.main import main
Image.new("RGB", (32, 32)).save("in.png")
codes = [main(words) for words in json.loads(sys.argv[1])]
print(json.dumps(codes))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """All of them in a folder."""
    site = Site(tmp_path_factory.mktemp("hostile"))
    install(site)
    return site


@pytest.fixture(scope="module")
def loaded(site: Site) -> Any:
    """The report of a process that loads all of them and creates each of their noises."""
    return site.run(LOAD)


def test_there_are_many() -> None:
    """There are some for every kind of harm."""
    assert len(HOSTILE) > 100


def test_the_state_of_the_process_is_as_before(loaded: Any) -> None:
    """Every change is undone."""
    assert loaded["same"]


@pytest.mark.parametrize("name", HOSTILE)
def test_each_is_set_aside_or_named(loaded: Any, name: str) -> None:
    """One that raises is left out; one that changes the process is reported; each in one line."""
    hostile = HOSTILE[name]
    cause, changed = loaded["plugins"][name]
    assert (cause is not None) == hostile.is_set_aside
    if hostile.changed:
        assert hostile.changed in changed
    told = [w for w in loaded["warnings"] if f" of {name} 1.0 " in w]
    assert len(told) == bool(cause or changed)
    assert all("\n" not in line and len(line) < 1000 for line in told)


@pytest.mark.parametrize("name", [n for n, hostile in HOSTILE.items() if hostile.target])
def test_each_bad_target_is_named_with_its_provider(loaded: Any, name: str) -> None:
    """It cannot be created, and the error names its plugin."""
    kind, message = loaded["made"][HOSTILE[name].target]
    assert kind in ("PluginError", "ArgumentError")
    assert f"noise '{HOSTILE[name].target}'" in message
    assert f"{name} 1.0" in message or kind == "ArgumentError"


class TestCommandLine:
    def test_every_answer_is_json_and_no_torch_is_loaded(self, site: Site) -> None:
        """For plugins that do not import torch, a listing has exit code 0 and prints only JSON."""
        names = [n for n, h in HOSTILE.items() if "torch" not in h.source]
        done = self.command(site, "list", "--json", RESTOREKIT_PLUGINS=",".join(names))
        assert done.returncode == 0
        assert "target_exit" in [n["name"] for n in json.loads(done.stdout)["noises"]]
        assert "Traceback" not in done.stderr
        assert all(line.startswith("warning: plugin ") for line in done.stderr.splitlines())
        code = """
import json, sys, warnings, restorekit
warnings.simplefilter("ignore")
restorekit.list_noises()
print(json.dumps("torch" in sys.modules))
"""
        assert site.run(code, RESTOREKIT_PLUGINS=",".join(names)) is False

    def test_describing_and_using_each_target(self, site: Site, tmp_path: Path) -> None:
        """It can be described; a command that creates it ends with exit code 2."""
        targets = [hostile.target for hostile in HOSTILE.values() if hostile.target]
        words = [["describe", "noise", target, "--json"] for target in targets]
        words += [["noise", "in.png", "-n", target, "-o", "out.png"] for target in targets]
        done = self.process(site, [sys.executable, "-c", COMMANDS, json.dumps(words)], tmp_path)
        assert "Traceback" not in done.stderr
        codes = json.loads(done.stdout.splitlines()[-1])
        assert codes == [0] * len(targets) + [2] * len(targets)
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == len(targets)
        for target, line in zip(targets, errors, strict=True):
            assert line.startswith(f"error: noise '{target}'")
        assert not (tmp_path / "out.png").exists()

    @pytest.mark.parametrize("command", ["list --json", "describe noise loud --json"])
    def test_what_a_plugin_prints_goes_to_stderr(self, tmp_path: Path, command: str) -> None:
        """From print, the descriptor, a child process, or at exit; the plugin is named once."""
        site = Site(tmp_path)
        source = (
            "import atexit, os, subprocess, sys\n"
            "print('printed')\n"
            "os.write(1, b'written\\n')\n"
            "subprocess.run(['echo', 'by a child'])\n"
            "atexit.register(print, 'at the end')\n"
            "sys.stdout.close()\n"
        )
        site.add("loud", source + noises("print('hook'); return Component('loud', lambda: 1)"))
        done = self.command(site, *command.split())
        assert done.returncode == 0
        json.loads(done.stdout)
        for text in ("printed", "written", "by a child", "at the end", "hook"):
            assert done.stderr.splitlines().count(text) == 1
        assert done.stderr.count("warning: plugin 'loud' of loud 1.0 prints") == 1

    def test_a_component_that_exits_at_work_is_named(self, tmp_path: Path) -> None:
        """SystemExit and others in `forward` give exit code 2, with the plugin and the line."""
        site = Site(tmp_path)
        raised = ["SystemExit(0)", "KeyboardInterrupt()", "GeneratorExit()"]
        site.add(
            "late",
            f"{HEAD}import torch\n"
            "class Late(torch.nn.Module):\n"
            "    channels = 3\n"
            "    def __init__(self, raised: int = 0):\n"
            "        super().__init__()\n"
            "        self.raised = raised\n"
            "    def forward(self, image, sigma=None, generator=None):\n"
            f"        raise [{', '.join(raised)}][self.raised]\n"
            "@hookimpl\ndef restorekit_noises(): return Component('late', Late)\n"
            "@hookimpl\ndef restorekit_models(): return Component('late', Late)\n",
        )
        ways = range(len(raised))
        words = [
            ["noise", "in.png", "-n", "late", "-s", f"raised={n}", "-o", "o.png"] for n in ways
        ]
        words += [["denoise", "in.png", "-m", f"late:raised={n}", "-o", "o.png"] for n in ways]
        done = self.process(site, [sys.executable, "-c", COMMANDS, json.dumps(words)], tmp_path)
        assert json.loads(done.stdout.splitlines()[-1]) == [2] * len(words)
        assert "Traceback" not in done.stderr
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        for kind, some in (("noise", lines[:3]), ("model", lines[3:])):
            assert len(some) == len(raised)
            for line in some:
                assert f"{kind} 'late' of late 1.0 (late_module.py, line 9) raised " in line

    def test_ctrl_c_while_a_plugin_is_loaded_interrupts(self, tmp_path: Path) -> None:
        """An interrupt by the user is not blamed on the plugin, and the exit code is 130."""
        site = Site(tmp_path)
        started = tmp_path / "started"
        touch = f"import pathlib\npathlib.Path({str(started)!r}).touch()\n"
        site.add("slow", f"{touch}import time\ntime.sleep(60)\n")
        process = subprocess.Popen(
            [sys.executable, "-m", "restorekit", "list"],
            env=site.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while not started.exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        assert process.returncode == 130
        assert told == "error: interrupted\n"

    def command(self, site: Site, *words: str, **environment: str) -> Any:
        """The command line in a process of its own."""
        return self.process(site, [sys.executable, "-m", "restorekit", *words], **environment)

    def process(
        self, site: Site, words: list[str], cwd: Path | None = None, **environment: str
    ) -> Any:
        """A process that has the folder on its path."""
        return subprocess.run(
            words,
            env={**site.environment(), **environment},
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
        )


def test_damaged_metadata_stop_no_other_plugin(tmp_path: Path) -> None:
    """Entry points and metadata that cannot be parsed or decoded are each reported."""
    site = Site(tmp_path)
    site.add("good", noises("return Component('fine', dict)"))
    for name, points, metadata in (
        ("unparsed", b"[restorekit]\nno value\n", b"Name: unparsed\nVersion: 1.0\n"),
        ("undecoded", b"[restorekit]\na = b\xe9\n", b"Name: undecoded\nVersion: 1.0\n"),
        ("nameless", b"[restorekit]\na = good_module\n", b"Name: \xff\xfe\n"),
    ):
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "entry_points.txt").write_bytes(points)
        (folder / "METADATA").write_bytes(metadata)
    code = """
import json, warnings
warnings.simplefilter("ignore")
from restorekit.components.plugin_host import loaded_plugins
import restorekit
print(json.dumps([[p.provider.distribution, p.cause] for p in loaded_plugins()]))
"""
    causes = dict(site.run(code))
    assert causes["good"] is None
    assert causes["unparsed"].startswith("its entry points cannot be read: TypeError")
    assert causes["undecoded"].startswith("its entry points cannot be read: UnicodeDecodeError")
