"""Cases through worker processes, which are restarted after a crash or a hang."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tests.fuzz.cases import Case, Verdict
from tests.fuzz.watch import MEMORY
from tests.fuzz.worker import READY

ROOT = Path(__file__).parents[2]
HANG = 20.0  # seconds of computing
_ASLEEP = 2  # times as long as that by the clock, where a process waits or the machine is busy
_START = 300.0
_CASES_A_WORKER = 400  # so that what one case leaves in memory does not count against many others


class Worker:
    """A worker process in its own process group and temporary folder; a context manager.

    Args:
        keep: a folder for the files of cases that fail.
        hang: seconds of computing after which a case hangs.
        memory: mebibytes that a case may take.
    """

    def __init__(self, keep: Path | None = None, hang: float = HANG, memory: int = MEMORY) -> None:
        self._keep, self._hang, self._memory = keep, hang, memory
        self._process: subprocess.Popen[bytes] | None = None
        self._judged = 0

    def __enter__(self) -> Worker:
        self._home = tempfile.TemporaryDirectory(prefix="restorekit-fuzz-")
        self._trace = open(Path(self._home.name, "trace"), "w+b")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        self._trace.close()
        self._home.cleanup()

    def judge(self, case: Case) -> Verdict:
        """Have a case run, and see what came of it."""
        if self._judged >= _CASES_A_WORKER:
            self._stop()
        process = self._process or self._start()
        assert process.stdin is not None
        process.stdin.write(f"{case}\n".encode())
        process.stdin.flush()
        started = time.monotonic()
        line = self._line(process, self._hang)
        self._judged += 1
        if line:
            verdict = Verdict.of_line(line)
            if verdict.last:
                self._stop()
            return verdict
        seconds = round(time.monotonic() - started, 1)
        if line is None:
            process.send_signal(signal.SIGUSR1)  # which has it write where it is
            time.sleep(1)
            detail = f"hangs: {self._end_of_trace()}"
        else:
            detail = f"died with {process.wait()}: {self._end_of_trace()}"
        self._stop()
        return Verdict(str(case), "failed", detail, seconds)

    def _start(self) -> subprocess.Popen[bytes]:
        temporary = Path(self._home.name, "tmp")
        temporary.mkdir(exist_ok=True)
        words = [sys.executable, "-m", "tests.fuzz.worker", str(self._memory)]
        words += [str(self._keep.absolute())] if self._keep else []
        paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "TMPDIR": str(temporary),
            "TORCHINDUCTOR_CACHE_DIR": str(Path(self._home.name, "inductor")),
            "MPLCONFIGDIR": str(Path(self._home.name, "matplotlib")),
            "OMP_NUM_THREADS": "1",
            # Nothing may be downloaded.
            **dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9"),
        }
        self._trace.seek(0)
        self._trace.truncate()
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._trace,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
        self._judged = 0
        if self._line(self._process, _START) != READY:
            raise RuntimeError(f"the worker does not start: {self._end_of_trace()}")
        return self._process

    def _line(self, process: subprocess.Popen[bytes], hang: float) -> str | None:
        """The next line of the worker; "" where it dies, None where it takes too long."""
        assert process.stdout is not None
        started, computed = time.monotonic(), _seconds_computed(process.pid)
        while not select.select([process.stdout], [], [], 0.25)[0]:
            long = time.monotonic() - started > _ASLEEP * hang
            if long or _seconds_computed(process.pid) - computed > hang:
                return None
        return process.stdout.readline().decode()

    def _stop(self) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        self._process = None

    def _end_of_trace(self) -> str:
        self._trace.seek(0)
        lines = self._trace.read().decode(errors="replace").splitlines()
        return " | ".join(line.strip() for line in lines[:12])


def run_cases(
    cases: Iterable[Case],
    seconds: float | None = None,
    keep: Path | None = None,
    report: Callable[[Verdict], None] | None = None,
) -> list[Verdict]:
    """The verdicts of cases, as many as are begun within a time."""
    return list(_verdicts(cases, seconds, keep, report))


def _verdicts(
    cases: Iterable[Case],
    seconds: float | None,
    keep: Path | None,
    report: Callable[[Verdict], None] | None,
) -> Iterator[Verdict]:
    started = time.monotonic()
    with Worker(keep) as worker:
        for case in cases:
            if seconds is not None and time.monotonic() - started > seconds:
                return
            verdict = worker.judge(case)
            if report is not None:
                report(verdict)
            yield verdict


def _seconds_computed(pid: int) -> float:
    """The processor time that a process has had; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
