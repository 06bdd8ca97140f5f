import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { findExecutable, isRunning, ProcessDied, Processes, run } from "../../../sandbox/processes";
import { waitUntil } from "../../../sandbox/waitUntil";
import { useTempDir } from "../tempDir";

const module = JSON.stringify(require.resolve("../../../sandbox/processes"));

describe("child processes", function () {
  this.timeout(30_000);
  const inDir = useTempDir();
  const shell = (name: string, script: string) => ({
    name,
    command: "sh",
    args: ["-c", script],
    cwd: inDir(),
    logFile: inDir("log", `${name}.log`),
  });
  const groupIsGone = (pid: number) =>
    waitUntil(() => !isRunning(-pid), {
      what: `process group ${pid} to be gone`,
      timeoutMs: 10_000,
      pauseMs: 10,
    });

  it("stops the youngest first, with all that it started", async () => {
    const processes = new Processes();
    const trapping = (name: string) =>
      shell(name, `trap 'echo ${name} >>stopped; exit' TERM; echo ready; sleep 600 & wait`);
    const children = [await processes.start(trapping("etcd")), await processes.start(trapping("kube-apiserver"))];
    for (const { name } of children) await saysReady(inDir("log", `${name}.log`));
    await processes.stop();
    assert.equal(readFileSync(inDir("stopped"), "utf8"), "kube-apiserver\netcd\n");
    for (const { pid } of children) await groupIsGone(pid);
    assert.equal(processes.death.aborted, false);
    await processes.stop(); // nothing is left to stop
  });

  const lastLines = Array.from({ length: 14 }, (_, index) => `  ${index + 7}\n`).join("");
  for (const [script, how, log] of [
    ["seq 20; echo no space left >&2; exit 7", "exit status 7", `${lastLines}  no space left`],
    ["kill -KILL $$", "killed by SIGKILL", "  (nothing)"],
  ]) {
    it(`tells of a child that ends by itself, with the end of its log: ${how}`, async () => {
      const processes = new Processes();
      await processes.start(shell("etcd", script));
      await aborted(processes.death);
      const death = processes.death.reason as ProcessDied;
      assert.ok(death instanceof ProcessDied);
      assert.equal(death.message, `etcd ended (${how}). The end of ${inDir("log", "etcd.log")}:\n${log}`);
    });
  }

  it("ends what a child leaves behind", async () => {
    const processes = new Processes();
    const { pid } = await processes.start(shell("kwok", "sleep 600 & exit 0"));
    await aborted(processes.death);
    await groupIsGone(pid);
  });

  it("rejects a program that isn't there", async () => {
    const spec = { ...shell("etcd", ""), command: "/nowhere/etcd" };
    await assert.rejects(new Processes().start(spec), {
      message: "cannot start etcd (/nowhere/etcd): spawn /nowhere/etcd ENOENT",
    });
  });

  it("runs a program to its end, which must be a good one", async () => {
    await run({ ...shell("build", 'echo "$GREETING"'), env: { GREETING: "hello" } });
    assert.equal(readFileSync(inDir("log", "build.log"), "utf8"), "hello\n");
    await assert.rejects(run(shell("build", "echo broken; exit 1")), {
      name: "ProcessDied",
      message: `build ended (exit status 1). The end of ${inDir("log", "build.log")}:\n  broken`,
    });
  });

  // undoAtExit.test.ts has the other signals and an exit.
  for (const [ending, result] of [
    ["SIGTERM", [null, "SIGTERM"]],
    ["throw", [1, null]],
  ] as const) {
    it(`leaves no child when its own process ends by ${ending}`, async () => {
      const specs = [shell("first", "exec sleep 600"), shell("second", "sleep 600 & wait")];
      const program = `const processes = new (require(${module}).Processes)();
        Promise.all(${JSON.stringify(specs)}.map((spec) => processes.start(spec))).then((children) => {
          console.log(JSON.stringify(children.map(({ pid }) => pid)));
          if (${ending === "throw"}) throw new Error("nobody caught me");
        });
        setInterval(() => {}, 1000);`;
      const holder = spawn(process.execPath, ["--import", "tsx", "--eval", program], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      const ended = once(holder, "exit");
      const [line] = (await once(createInterface(holder.stdout), "line")) as [string];
      if (ending === "SIGTERM") holder.kill(ending);
      assert.deepEqual(await ended, result);
      for (const pid of JSON.parse(line) as number[]) await groupIsGone(pid);
    });
  }

  it("are of a program on PATH, not of the shell", () => {
    assert.match(findExecutable("sh") ?? "", /^\/.*sh$/);
    assert.equal(findExecutable("cd"), undefined);
  });
});

async function saysReady(log: string): Promise<void> {
  await waitUntil(() => readFileSync(log, "utf8").includes("ready"), {
    what: "the trap to be set",
    timeoutMs: 10_000,
    pauseMs: 10,
  });
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
