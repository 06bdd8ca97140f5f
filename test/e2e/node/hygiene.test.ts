// The node itself: it lets in nobody it should not, touches nothing outside, and leaves nothing behind, however it ends.
import assert from "node:assert/strict";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { beforeEnd } from "../../../sandbox/undoAtExit";
import { repositoryRoot } from "../../../sandbox/paths";
import { silentProgress } from "../../../sandbox/progress";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { ensureTools } from "../../../sandbox/toolchain";
import { waitUntil } from "../../../sandbox/waitUntil";
import { statusOf } from "../cluster/httpStatus";
import { listenersOf } from "../cluster/listeners";
import { nothing, Traces, type Found } from "./traces";

/** Settings that kubelet would make for the whole kernel. */
const tunables = [
  "vm/overcommit_memory",
  "vm/panic_on_oom",
  "kernel/panic",
  "kernel/panic_on_oops",
  "kernel/keys/root_maxkeys",
  "kernel/keys/root_maxbytes",
  "net/ipv4/ip_forward",
];
const kernelSettings = () => tunables.map((name) => readFileSync(`/proc/sys/${name}`, "utf8"));

/** Starts a node in a mount namespace that shares its mounts, as systemd sets up a machine's own. */
const startNode = [
  ...["unshare", "--mount", "--propagation", "shared"],
  ...[process.execPath, "--import", "tsx", join(__dirname, "scripts", "startNode.ts")],
];

/** A program that starts a node, as the leader of its own process group, like a program of a shell. */
interface Started {
  child: ChildProcess;
  traces: Traces;
  ended: Promise<unknown>;
  /** Resolves with the first line of its output that matches. */
  says(pattern: RegExp): Promise<string>;
  /** Returns such a line if it has come already. */
  said(pattern: RegExp): string | undefined;
}

function start([command, ...args]: string[]): Started {
  const { traces, env } = Traces.marked();
  const child = spawn(command, args, {
    cwd: repositoryRoot,
    env,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  traces.starter = child.pid!;
  const ended = once(child, "exit");
  const release = beforeEnd({ stop: () => endGroup(child), kill: () => endGroup(child) });
  void ended.then(release);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on("line", (line) => lines.push(line));
  const said = (pattern: RegExp) => lines.find((line) => pattern.test(line));
  const says = (pattern: RegExp) =>
    waitUntil(() => Promise.resolve(said(pattern)), {
      what: `${command} to say ${pattern}`,
      timeoutMs: 150_000,
    }).catch((error: Error) => assert.fail(`${error.message}; it said:\n${lines.slice(-15).join("\n")}`));
  return { child, traces, says, said, ended };
}

/** Waits until the node's containerd runs. By then the API server runs too, but not yet kubelet. */
async function halfWay({ traces }: Started): Promise<void> {
  const runs = () => traces.look().processes.some((process) => / containerd --config /.test(process));
  const look = () => Promise.resolve(runs() || undefined);
  await waitUntil(look, { what: "containerd of the node", timeoutMs: 60_000, pauseMs: 20 });
}

/**
 * Asserts that only `folders` folders are left, which go when the next process makes one. After a process was killed outright,
 * the kernel and the watcher take a moment.
 */
async function leftNothing({ traces }: Started, folders: number): Promise<void> {
  const look = () => {
    const { state, ...left } = traces.look();
    assert.deepEqual({ ...left, state: [] }, nothing);
    return Promise.resolve(state);
  };
  const state = await waitUntil(look, { what: "nothing to be left of the node", timeoutMs: 20_000 });
  assert.equal(state.length, folders, state.join());
  createStateFolder("next");
  assert.deepEqual(traces.look(), nothing);
}

/** Returns its network namespace; undefined if the process has ended meanwhile. */
function networkOf(pid: number | "self"): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

function endGroup({ exitCode, signalCode, pid }: ChildProcess): void {
  if (exitCode === null && signalCode === null) process.kill(-pid!, "SIGTERM");
}

describe("a node that runs pods", function () {
  this.timeout(240_000);

  describe("while it runs", () => {
    const settings = kernelSettings();
    let started: Started;
    let own: { dir: string; kubeconfig: string; address: string };
    let during: Found;

    before(async () => {
      started = start(startNode);
      own = JSON.parse(await started.says(/^\{/)) as typeof own;
      during = started.traces.look();
    });

    after("stop it, where no test has", () => endGroup(started.child));

    it("adds one interface, its control groups and its state to this machine, and changes no setting of its kernel", () => {
      assert.ok(during.processes.length > 10, during.processes.join("\n"));
      assert.deepEqual(during.interfaces, [started.traces.name]);
      assert.ok(during.groups.length > 0);
      assert.deepEqual(during.state, [basename(own.dir)]);
      assert.deepEqual([during.mounts, during.rules], [[], []]);
      assert.deepEqual(kernelSettings(), settings);
    });

    it("listens on addresses of its own, and to itself", () => {
      const pids = during.processes.map((process) => parseInt(process));
      const outside = pids.filter((pid) => networkOf(pid) === networkOf("self"));
      assert.deepEqual(outside.flatMap(listenersOf), []);
      const inside = pids.filter((pid) => !outside.includes(pid)).flatMap(listenersOf);
      const loopback = /^127\.0\.0\.1:/;
      assert.deepEqual(inside.filter((listener) => !loopback.test(listener)).sort(), [
        `${own.address}:10250`,
        `${own.address}:6443`,
      ]);
      assert.ok(inside.some((listener) => loopback.test(listener)));
    });

    it("has a kubelet that lets in nobody without a certificate or a token, and shows nobody's pods to one without the right", async () => {
      const { kubectl } = await ensureTools(["kubectl"], silentProgress);
      const pods = `https://${own.address}:10250/pods`;
      const bearing = (token: string) => ({ authorization: `Bearer ${token}` });
      assert.equal(await statusOf(pods), 401);
      assert.equal(await statusOf(pods, bearing("admintoken")), 401);
      const args = [`--kubeconfig=${own.kubeconfig}`, "create", "token", "default"];
      const token = execFileSync(kubectl, args, { encoding: "utf8" }).trim();
      assert.equal(await statusOf(pods, bearing(token)), 403);
    });

    it("has its credentials in files that nobody else reads, in folders that nobody else enters", () => {
      const credentials = join(own.dir, "state", "credentials");
      const files = readdirSync(credentials, { withFileTypes: true }).filter(
        (entry) => entry.isFile() && !entry.name.endsWith(".crt"),
      );
      assert.ok(files.length > 4);
      for (const file of [own.kubeconfig, ...files.map(({ name }) => join(credentials, name))])
        assert.equal(modeOf(file), "600", file);
      for (const folder of ["state", "state/credentials", "state/kubelet-certificates"])
        assert.equal(modeOf(join(own.dir, folder)), "700", folder);
    });

    it("is gone at once with all that when it is stopped", async () => {
      started.child.stdin!.end();
      assert.deepEqual(await started.ended, [0, null]);
      assert.deepEqual(started.traces.look(), nothing);
    });
  });

  const endings: {
    how: string;
    end: (child: ChildProcess) => void;
    command?: string[];
    at?: RegExp;
    folders?: number;
    /** The only moment at which it is tried; default: both, one after the other. test/unit/sandbox/undoAtExit.test.ts has the rest. */
    when?: "half-way" | "running";
  }[] = [
    { how: "SIGTERM to the program that started it", end: (child) => child.kill("SIGTERM"), when: "half-way" },
    { how: "SIGKILL to the program that started it", end: (child) => child.kill("SIGKILL"), folders: 1 },
    { how: "an error in it that nobody catches", end: (child) => child.kill("SIGUSR2"), when: "running" },
    {
      how: "Ctrl-C at npm start -- --node --keep",
      end: (child) => process.kill(-child.pid!, "SIGINT"),
      command: ["npm", "start", "--", "--node", "--keep"],
      at: /^The cluster stays until Ctrl-C/,
    },
  ];
  for (const { how, end, command = startNode, at = /^\{/, folders = 0, when } of endings) {
    for (const isStarting of when ? [when === "half-way"] : [false, true]) {
      it(`leaves nothing after ${how} ${isStarting ? "half-way through its start" : "while it runs"}`, async () => {
        const started = start(command);
        try {
          await (isStarting ? halfWay(started) : started.says(at));
          assert.notDeepEqual(started.traces.look().groups, []);
          assert.equal(started.said(at) === undefined, isStarting);
          end(started.child);
          await started.ended;
          await leftNothing(started, folders);
        } finally {
          endGroup(started.child);
        }
      });
    }
  }
});
