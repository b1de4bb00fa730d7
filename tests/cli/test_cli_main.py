"""The command line as a whole: help, exit codes and messages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import restorekit
from restorekit.cli.error_messages import explain, warnings_as_lines
from restorekit.cli.main import main
from restorekit.components.registry import Registry
from restorekit.errors import ConfigError, DataError, MissingExtraError

COMMANDS = (
    *("train", "denoise", "noise", "analyze", "list", "describe", "plugins", "schema"),
    "info",
)


def start(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m restorekit` in a process of its own."""
    command = [sys.executable, "-m", "restorekit", *words]
    environment = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


class TestHelp:
    @pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
    def test_it_names_every_command(self, run: Any, words: list[str]) -> None:
        """The help is printed without arguments, too."""
        outcome = run(*words)
        assert outcome.code == 0
        assert outcome.err == ""
        listed = [line.split()[0] for line in outcome.out.splitlines() if line.startswith("  ")]
        assert set(COMMANDS) <= set(listed)

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_explains_itself(self, run: Any, command: str) -> None:
        """Its help has the usage and a description of each option."""
        outcome = run(command, "--help")
        assert outcome.code == 0
        assert outcome.out.startswith(f"Usage: restorekit {command} ")
        options = outcome.out.partition("\nOptions:\n")[2].splitlines()
        described = [line for line in options if line.startswith("  -")]
        assert described
        for line in described:
            assert "  " in line.strip(), f"{line} has no description"

    def test_the_version_is_printed(self, run: Any) -> None:
        """--version prints the name and the version, before any command."""
        assert run("--version").out == f"restorekit {restorekit.__version__}\n"
        assert run("--version", "list").out == f"restorekit {restorekit.__version__}\n"

    def test_nothing_heavy_is_imported(self) -> None:
        """Help, version and listings import neither torch nor pydantic nor rich."""
        code = (
            "import sys\nfrom restorekit.cli.main import main\n"
            "for words in (['--help'], ['--version'], ['list'], ['list', 'models', 'u*'],"
            " ['list', '--json'], ['plugins'], ['train', '--help'], ['trian']):\n"
            "    main(words)\n"
            "heavy = {'torch', 'pydantic', 'rich', 'PIL', 'numpy'} & set(sys.modules)\n"
            "sys.exit(' '.join(sorted(heavy)) or 0)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert done.stderr == "error: no such command 'trian'. Did you mean 'train'?\n"
        assert done.returncode == 0


class TestMistakes:
    @pytest.mark.parametrize(
        ("words", "line"),
        [
            (["trian"], "no such command 'trian'. Did you mean 'train'?"),
            (["xyzzy"], "no such command 'xyzzy'. See 'restorekit --help'"),
            (["--verison"], "no such option '--verison'. Did you mean '--version'?"),
            (["train", "--resum"], "no such option '--resum'. Did you mean '--resume'?"),
            (["plugins", "-x"], "no such option '-x'. See 'restorekit plugins --help'"),
            (["train"], "missing argument 'CONFIG'. See 'restorekit train --help'"),
            (["noise", "a.png", "-o", "b"], "missing option '-n' / '--noise'. See "),
            (["noise", "a.png", "-o", "b", "-n", "x", "--seed", "y"], "invalid value for '--seed'"),
            (["train", "a", "--set"], "option '--set' requires an argument"),
            (["schema", "more"], "got unexpected extra argument"),
        ],
    )
    def test_wrong_words_are_reported_in_one_line(
        self, refused: Callable[..., str], words: list[str], line: str
    ) -> None:
        """The message suggests the nearest command or option, or refers to the help."""
        assert refused(*words).startswith(line)

    @pytest.mark.parametrize(
        ("error", "lines"),
        [
            (DataError("no images"), ["error: no images"]),
            (MissingExtraError("a\nb"), ["error: a\\nb"]),
            (ConfigError(["one", "two"]), ["error: one", "error: two"]),
            (OSError(28, "No space left", "run/a"), ["error: run/a: no space left"]),
            (PermissionError("not you"), ["error: not you"]),
            (TimeoutError(), ["error: timeouterror"]),
        ],
    )
    def test_errors_of_the_library_and_the_system(
        self, run: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, lines: list[str]
    ) -> None:
        """Each problem is one line that begins with "error: "; the exit code is 2."""

        def fail(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(Registry, "names", fail)
        outcome = run("list")
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.splitlines() == lines

    def test_an_interrupt_before_the_command_shows_no_traceback(
        self, run: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Ctrl-C may arrive before signals and streams are set up."""

        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("restorekit.cli.main.ending_on_signals", interrupt)
        outcome = run("list", "models")
        assert (outcome.code, outcome.err) == (130, "error: interrupted\n")

    def test_an_interrupt_shows_no_traceback(
        self, run: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Ctrl-C ends with 130, as a shell expects."""

        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Registry, "names", interrupt)
        outcome = run("list")
        assert outcome.code == 130
        assert outcome.err == "error: interrupted\n"

    def test_a_bug_keeps_its_traceback(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An internal error is not shown as a mistake of the user."""

        def fail(*_: object, **__: object) -> None:
            raise ZeroDivisionError("ours")

        monkeypatch.setattr(Registry, "names", fail)
        with pytest.raises(ZeroDivisionError, match="ours"):
            main(["list"])
        assert explain(ZeroDivisionError("ours")) is None

    def test_an_allocation_that_fails_is_one_line(self) -> None:
        """At any place and from any library."""
        for error in (MemoryError(), RuntimeError("can't allocate memory: 8 bytes")):
            lines = explain(error)
            assert lines is not None
            assert len(lines) == 1
            assert lines[0].startswith("not enough memory")

    def test_a_reader_that_stops_early_causes_no_error(self) -> None:
        """`restorekit list | head -1` prints nothing on stderr."""
        process = subprocess.Popen(
            [sys.executable, "-m", "restorekit", "list"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait() == 141

    def test_a_process_ends_with_the_exit_code(self) -> None:
        """`python -m restorekit` is the same command line, and its code reaches the shell."""
        done = start("describe", "modl", "unet")
        assert done.returncode == 2
        assert done.stderr.startswith("error: unknown kind 'modl'. Did you mean 'model'? One of: ")


class TestPlugins:
    @pytest.fixture
    def site(self, tmp_path: Path) -> str:
        """A folder with a plugin that provides a noise, and one that cannot be imported."""
        good = (
            "from restorekit import Component, hookimpl\n"
            "class Grain:\n    '''By M\u00fcller.'''\n"
            "@hookimpl\n"
            "def restorekit_noises(): return Component('film_grain', Grain, 'as of film')\n"
        )
        for name, source in (("grain", good), ("broken", "import no_such_module_anywhere")):
            (tmp_path / f"{name}_plugin.py").write_text(source, encoding="utf-8")
            info = tmp_path / f"{name}-2.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.0\n")
            (info / "entry_points.txt").write_text(f"[restorekit]\n{name} = {name}_plugin\n")
        return str(tmp_path)

    def test_a_broken_plugin_gives_one_line_and_a_complete_list(self, site: str) -> None:
        """The warning goes to stderr, the exit code is 0, and the good plugin's noise is there."""
        done = start("list", "noises", PYTHONPATH=site)
        assert done.returncode == 0
        (line,) = done.stderr.splitlines()
        assert line.startswith("warning: plugin 'broken' of broken 2.0 was set aside: importing ")
        assert re.search(r"film_grain +as of film \[grain 2\.0\]", done.stdout)
        assert "gaussian" in done.stdout

    def test_strict_makes_it_an_error(self, site: str) -> None:
        """RESTOREKIT_STRICT_PLUGINS=1 ends with 2 and one line."""
        done = start("list", PYTHONPATH=site, RESTOREKIT_STRICT_PLUGINS="1")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("error: plugin 'broken' of broken 2.0 was set aside")
        assert done.stderr.count("\n") == 1

    def test_each_is_listed_with_its_status(self, site: str) -> None:
        """`plugins` lists what was loaded, and why the other one was not."""
        done = start("plugins", PYTHONPATH=site)
        assert done.returncode == 0
        broken, grain = done.stdout.splitlines()
        assert broken.split()[:3] == ["broken", "broken", "2.0"]
        assert "set aside: importing broken_plugin raised ModuleNotFoundError" in broken
        assert grain.split()[:3] == ["grain", "grain", "2.0"]
        assert grain.endswith("loaded: noise film_grain")

    def test_text_that_the_output_cannot_hold_is_escaped(self, site: str) -> None:
        """A character outside the encoding of a terminal or pipe does not cause a failure."""
        environment = {
            "PYTHONPATH": site,
            "PYTHONIOENCODING": "ascii",
            "RESTOREKIT_PLUGINS": "grain",
        }
        done = start("describe", "noise", "film_grain", **environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("By M\\xfcller.\n")


def test_a_warning_of_any_library_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Without the line of code of that library, and also if it has several lines."""
    with warnings_as_lines(), warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn("odd\n  picture", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "warning: odd picture\n"
