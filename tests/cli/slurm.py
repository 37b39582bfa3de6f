#!/usr/bin/env python3
"""weft sweep submit on a real Slurm, which this test starts on loopback for itself, and on GNU parallel.

slurm.py WEFT_BINARY [Scripts] [Slurm] [Parallel]

Everything lies in a temporary folder: configuration, key, state, logs. It works as any user and disturbs no Slurm that is there. Slurm needs the packages
slurmctld, slurmd, slurm-client and munge, Parallel needs parallel; where the programs are missing or do not start it ends with 77 and says why.
"""
import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

WEFT = os.path.abspath(sys.argv.pop(1))
os.environ["PATH"] += ":/usr/sbin:/sbin"
DAEMONS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo"]
ODD = "a b'c%d#e{}$h"   # what a shell, sbatch and parallel each have a meaning for
SCENARIO = {"title": "t", "cluster": {"node": "h800", "nodes": 8, "topology": {"kind": "mpft"}},
            "workload": [{"kind": "price"}, {"id": "a2a", "kind": "all_to_all", "sizes": ["1 KiB", "1 MiB"]}]}
STUDY = {"title": "nodes and kinds", "scenario": "s.json", "set": {"/cluster/transport": "infiniband"},
         "axes": [{"/cluster/nodes": "1:12:1"}, "/cluster/topology/kind=mpft,mrft"], "where": "price_MUSD < 100"}
POINTS, TASKS = 24, 4
WHOLE = {}

CONF = """ClusterName=weft
SlurmctldHost=localhost(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
SchedulerParameters=sched_interval=1
KillWait=2
NodeName=node NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=node Default=YES MaxTime=INFINITE State=UP
"""


def wait_until(true, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.02)
    raise TimeoutError(what)


def free_ports(n):
    held = [socket.socket() for _ in range(n)]
    for s in held:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


class Cluster:
    """munged, slurmctld and slurmd of our own."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="weft-slurm-", ignore_cleanup_errors=True)
        self.folder = Path(self.temporary.name)
        self.folder.chmod(0o711)
        self.processes = []
        self.environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}
        for name in [n for n in self.environment if n.startswith(("SLURM_", "SBATCH_", "SQUEUE_")) and n != "SLURM_CONF"]:
            del self.environment[name]

    def start(self, *command):
        log = open(self.folder / f"{command[0]}.out", "w")
        # A group of its own: a Ctrl-C is for the test, which then ends them.
        self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment, start_new_session=True))
        log.close()

    def __enter__(self):
        f = self.folder
        try:
            for name in ("state", "spool"):
                (f / name).mkdir()
            (f / "slurm.conf").write_text(CONF.format(user=getpass.getuser(), folder=f, ports=free_ports(2)))
            (f / "munge.key").write_bytes(os.urandom(128))
            (f / "munge.key").chmod(0o400)
            self.start("munged", "--foreground", f"--socket={f}/munge.socket", f"--key-file={f}/munge.key", f"--pid-file={f}/munge.pid", f"--log-file={f}/munge.log",
                       f"--seed-file={f}/munge.seed")
            wait_until((f / "munge.socket").exists, 10, "munged makes no socket")
            self.start("slurmctld", "-D", "-i")
            self.start("slurmd", "-D", "-N", "node", "-f", str(f / "slurm.conf"))
            wait_until(lambda: self.run("sinfo", "--noheader", "--format=%T").stdout.strip() == "idle", 20, "the node does not come up")
        except (OSError, TimeoutError, KeyError) as e:
            said = {log.name: log.read_text().splitlines()[-3:] for log in f.glob("*.out")}
            self.__exit__()
            raise unittest.SkipTest(f"Slurm does not start here: {e} {said}") from e
        return self

    def __exit__(self, *_):
        if len(self.processes) == 3:
            subprocess.run(["scancel", f"--user={os.getuid()}"], env=self.environment, capture_output=True, timeout=20)
        for p in reversed(self.processes):
            p.terminate()
        for p in reversed(self.processes):
            try:
                p.wait(timeout=10)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.temporary.cleanup()

    def run(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30)

    def queue(self):
        """(task, state) of the tasks that are not over."""
        return [tuple(line.split()) for line in self.run("squeue", "--noheader", "--array", "--format=%K %t").stdout.splitlines()]

    def wait_for_empty_queue(self):
        wait_until(lambda: not self.queue(), 60, "tasks do not end")


class Submit(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.home = Path(self.temporary.name)
        self.folder = self.home / ODD
        (self.home / "s.json").write_text(json.dumps(SCENARIO))
        self.study = self.home / "study.json"
        self.study.write_text(json.dumps(STUDY))
        self.environment = dict(os.environ)

    def weft(self, *arguments, code=0):
        p = subprocess.run([WEFT, "sweep", *map(str, arguments)], capture_output=True, text=True, timeout=120, env=self.environment, cwd=self.home)
        self.assertEqual(p.returncode, code, p.stderr + p.stdout)
        return p

    def submit(self, engine, *more, code=0, study=None):
        p = self.weft("submit", study or self.study, "--engine", engine, "--folder", self.folder, *more, "--json", code=code)
        return json.loads(p.stdout)["submission"][0] if p.stdout else p.stderr

    def status(self):
        return json.loads(self.weft("status", self.folder, "--json").stdout)

    def finished(self, task):
        file = self.folder / f"points.{task}.jsonl"
        return file.read_bytes().count(b"\n") - 1 if file.exists() else -1

    def whole(self):
        """Of a sweep that nobody interrupted, all rows; the same study is computed once."""
        study = self.study.read_text()
        if study not in WHOLE:
            WHOLE[study] = self.weft(self.study, "--where", "true", "--format", "csv", "--jobs", "2").stdout
        return WHOLE[study]

    def merged(self):
        return self.weft("merge", self.folder, "--format", "csv").stdout

    def slow_study(self):
        """The same with points that take a quarter of a second each, so that a task can be caught in the middle."""
        sizes = [f"{2 ** k} KiB" for k in range(6)]
        self.study.write_text(json.dumps({**STUDY, "set": {"/workload/a2a/sizes": sizes}, "axes": ["/cluster/nodes=89:100:1", "/cluster/topology/kind=mpft,mrft"]}))

    def kill_in_the_middle(self, task):
        wait_until(lambda: self.finished(task) >= 1, 60, f"task {task} finishes no point")
        points = os.fsencode(self.folder / f"points.{task}.jsonl")
        killed = 0
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if points in words and os.path.samefile(os.readlink(entry / "exe"), WEFT):
                    os.kill(int(entry.name), signal.SIGKILL)
                    killed += 1
            except (OSError, ProcessLookupError):
                continue
        self.assertGreater(killed, 0, f"task {task} was over before it could be killed")

    def check_the_end(self):
        logs = {p.name: p.read_text() for p in self.folder.glob("task.*.log")}
        self.assertEqual(self.status()["study"][0]["left"], 0, logs)
        self.assertIn("points are there already", logs["task.2.log"])
        self.assertEqual(self.merged(), self.whole())


class Scripts(Submit):
    def test_scripts_are_written_without_any_engine(self):
        self.environment["PATH"] = ""
        row = self.submit("slurm", "--tasks", "4", "--jobs", "2", "--throttle", "3", "--sbatch", "--partition=all --time=5", "--no-submit")
        self.assertEqual([row[k] for k in ("tasks", "left", "points", "done")], [4, 4, POINTS, 0])
        script = (self.folder / "array.sh").read_text()
        for line in ("#SBATCH --array=1-4%3", "#SBATCH --cpus-per-task=2", "#SBATCH --partition=all --time=5", "#SBATCH --requeue"):
            self.assertIn(line + "\n", script)
        self.assertEqual(json.loads((self.folder / "study.json").read_text())["scenario"], SCENARIO)
        said = self.submit("slurm", code=77)
        self.assertIn("apt-get install slurm-client", said)
        self.assertIn("apt-get install parallel", self.submit("parallel", code=77))
        # What nothing but the folder tells: the study goes on from there, in as many tasks.
        self.assertEqual(self.submit("parallel", "--no-submit", study=self.folder / "study.json")["tasks"], 4)
        self.assertIn("1-4", (self.folder / "array.sh").read_text())
        shown = self.weft("submit", self.study, "--engine", "slurm", "--folder", self.folder, "--dry-run").stdout
        self.assertIn("merge", shown)
        self.assertIn("--where 'price_MUSD < 100'", shown)

    def test_a_task_script_does_its_share_with_the_options_of_the_study(self):
        self.submit("slurm", "--tasks", "6", "--seed", "7", "--simulator", "closed-form", "--cost-model", "roofline", "--no-submit")
        run = {**self.environment, "SLURM_ARRAY_TASK_ID": "5"}
        subprocess.run(["sh", str(self.folder / "array.sh")], check=True, env=run, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        header = json.loads((self.folder / "points.5.jsonl").read_text().splitlines()[0])
        self.assertEqual((header["shard"], header["run"]["seed"], header["run"]["engine"], header["run"]["cost_model"]), ("5/6", 7, "closed-form", "roofline"))
        self.weft(self.study, "--shard", "5/6", "--points", self.folder / "points.5.jsonl", "--seed", "7", "--engine", "closed-form", "--cost-model", "roofline", "--where", "true")
        self.assertIn("seed is 7 there and 1 here", self.submit("slurm", "--no-submit", code=3))

    def test_bad_input_is_told(self):
        self.submit("slurm", "--tasks", "4", "--no-submit")
        self.assertIn("axes are", self.submit("slurm", "--vary", "/cluster/node/nic_rate=200 Gbps,400 Gbps", "--no-submit", code=3))
        (self.folder / "points.1.jsonl").write_text("")
        self.assertIn("holds points of 4 tasks, not of 5", self.submit("slurm", "--tasks", "5", "--no-submit", code=3))
        self.assertIn("25 tasks are more than the 24 points", self.submit("slurm", "--tasks", "25", "--no-submit", code=3))
        self.assertIn("expected an option of sbatch", self.submit("slurm", "--sbatch", "long", "--no-submit", code=3))
        self.assertIn("--tasks and --throttle", self.submit("slurm", "--sbatch", "--array=1-7", "--no-submit", code=3))
        self.assertIn("is for --engine slurm", self.submit("parallel", "--sbatch", "--time=5", "--no-submit", code=3))
        self.assertIn("expected slurm or parallel", self.submit("fluid", code=2))
        mine = self.home / "study.json"
        self.assertIn("was not written by weft sweep submit", self.weft("submit", self.study, "--engine", "slurm", "--no-submit", "--folder", self.home, code=3).stderr)
        self.assertEqual(json.loads(mine.read_text()), STUDY)
        (self.home / "file").write_text("")
        self.assertIn("cannot make the folder", self.weft("submit", self.study, "--engine", "slurm", "--no-submit", "--folder", self.home / "file", code=1).stderr)
        if os.getuid() != 0:
            self.home.chmod(0o555)
            self.addCleanup(self.home.chmod, 0o755)
            self.assertIn("cannot make the folder", self.weft("submit", self.study, "--engine", "slurm", "--no-submit", "--folder", self.home / "new", code=1).stderr)

    def test_a_scheduler_that_refuses_is_quoted(self):
        programs = self.home / "bin"
        programs.mkdir()
        for name, text in (("sbatch", "echo 'sbatch: error: no partition for you' >&2; exit 1"), ("parallel", "echo 'parallel (moreutils)'")):
            (programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (programs / name).chmod(0o755)
        self.environment["PATH"] = f"{programs}:{os.environ['PATH']}"
        self.assertIn("no partition for you", self.submit("slurm", code=1))
        self.assertIn("is not GNU parallel", self.submit("parallel", code=77))

    def test_what_the_queue_does_not_say_is_not_submitted_twice(self):
        programs = self.home / "bin"
        programs.mkdir()

        def program(name, text):
            (programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (programs / name).chmod(0o755)

        self.environment["PATH"] = f"{programs}:{os.environ['PATH']}"
        taken = self.home / "taken"
        program("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
        program("sbatch", f"echo >>'{taken}'; echo; echo 'sbatch: be patient' >&2")
        said = self.submit("slurm", "--tasks", "4", code=1)
        self.assertIn("named no job", said)
        self.assertFalse((self.folder / "jobs").exists())
        program("sbatch", f"echo >>'{taken}'; echo '17;here'")
        self.assertEqual(self.submit("slurm")["job"], "17")
        said = self.submit("slurm", code=1)
        self.assertIn("squeue does not say which tasks", said)
        self.assertIn("Unable to contact", said)
        self.assertEqual(taken.read_text().count("\n"), 2)
        program("squeue", "echo '17 2 PD'; echo '17 3 R'; echo '16 1 R'")
        row = self.submit("slurm")
        self.assertEqual((row["left"], row["queued"]), (2, 2))


@unittest.skipUnless(all(map(shutil.which, DAEMONS)), f"needs {', '.join(n for n in DAEMONS if not shutil.which(n))}: apt-get install slurmctld slurmd slurm-client munge")
class Slurm(Submit):
    def test_a_sweep_whose_task_was_killed_goes_on_and_ends_as_if_it_had_not_been(self):
        self.slow_study()
        with Cluster() as cluster:
            self.environment = cluster.environment
            self.assertIn("invalid partition", self.submit("slurm", "--sbatch=--partition=none", code=1))
            first = self.submit("slurm", "--tasks", TASKS, "--throttle", "2", "--sbatch=--partition=all --time=5", "--sbatch=--comment=x")
            self.assertEqual((first["left"], first["done"]), (TASKS, 0))
            self.kill_in_the_middle(2)
            wait_until(lambda: not [t for t, _ in cluster.queue() if t == "2"], 30, "Slurm does not see that task 2 is gone")
            self.assertLess(self.finished(2), POINTS // TASKS)
            self.assertGreater(self.status()["study"][0]["left"], 0)
            self.assertIn("points are missing", self.weft("merge", self.folder, code=3).stderr)
            # The others are running or waiting: the killed one alone is submitted.
            second = self.submit("slurm")
            self.assertEqual(second["left"], 1)
            self.assertGreaterEqual(second["queued"], 2)
            self.assertIn("#SBATCH --array=2\n", (self.folder / "array.sh").read_text())
            self.assertEqual(cluster.run("scancel", str(first["job"])).returncode, 0)
            cluster.wait_for_empty_queue()
            self.assertEqual(self.finished(2), POINTS // TASKS)
            self.assertGreater(self.status()["study"][0]["left"], 0)
            third = self.submit("slurm")
            self.assertIn(third["left"], (2, 3))
            cluster.wait_for_empty_queue()
            self.check_the_end()
            last = self.submit("slurm")
            self.assertEqual((last["left"], last["done"], last.get("job")), (0, POINTS, None))
            self.assertEqual((self.folder / "jobs").read_text().split(), [first["job"], second["job"], third["job"]])


@unittest.skipUnless(shutil.which("parallel"), "needs GNU parallel: apt-get install parallel")
class Parallel(Submit):
    def started(self):
        return subprocess.Popen([WEFT, "sweep", "submit", str(self.study), "--engine", "parallel", "--folder", str(self.folder), "--tasks", str(TASKS), "--throttle", "2"],
                                cwd=self.home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def test_a_task_that_was_killed_is_told_and_goes_on(self):
        self.slow_study()
        p = self.started()
        self.kill_in_the_middle(2)
        said = p.communicate(timeout=120)[1]
        self.assertEqual(p.returncode, 1, said)
        self.assertIn("1 of 4 tasks are not finished: 2 (", said)
        self.assertEqual([r["left"] > 0 for r in self.status()["files"]], [False, True, False, False])
        self.assertEqual(len((self.folder / "joblog").read_text().splitlines()), 1 + TASKS)
        row = self.submit("parallel")
        self.assertEqual((row["left"], row["done"]), (0, POINTS))
        self.assertEqual(len((self.folder / "jobs.txt").read_text().splitlines()), 1)
        self.check_the_end()

    def test_parallel_ends_with_weft(self):
        self.slow_study()
        p = self.started()
        wait_until(lambda: self.finished(2) >= 1, 60, "task 2 finishes no point")
        p.terminate()
        said = p.communicate(timeout=120)[1]   # its stderr is parallel's, too: read until that is over
        self.assertEqual(p.returncode, 143, said)
        self.assertIn("finished points are kept", said)
        self.assertEqual(self.finished(4), -1, "tasks were started after weft had ended")
        self.assertEqual(self.submit("parallel")["done"], POINTS)
        self.assertEqual(self.merged(), self.whole())

    def test_points_that_fail_are_no_task_to_run_again(self):
        self.study.write_text(json.dumps({**STUDY, "axes": ["/cluster/nodes=1,-1,2"]}))
        p = self.weft("submit", self.study, "--engine", "parallel", "--folder", self.folder, "--tasks", "2", code=1)
        self.assertIn("1 of 3 points failed", p.stderr)
        self.assertEqual(self.status()["study"][0]["left"], 0)
        whole = self.weft(self.study, "--where", "true", "--json", code=1).stdout
        self.assertEqual(self.weft("merge", self.folder, "--json", code=1).stdout, whole)


result = unittest.main(verbosity=1, exit=False).result
for test, why in result.skipped:
    print(f"skipped: {test}: {why}", file=sys.stderr)
sys.exit(1 if not result.wasSuccessful() else 77 if result.skipped and len(result.skipped) >= result.testsRun else 0)
