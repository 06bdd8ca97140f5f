// A machine within this one, for a node. It has its own namespaces (machine.sh), and one link is the only way in or out.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Processes, ProcessSpec, RunningProcess } from "../processes";
import { waitUntil } from "../waitUntil";
import { freeLink, type Link } from "./link";

const READY_TIMEOUT_MS = 20_000;

/** Mounts that a process in the machine sees: the machine's own, or ours. Its network and processes are always the machine's. */
export type Mounts = "own" | "shared";

export interface Machine {
  /** Address of the machine. Only this machine can reach it, and it can reach only this machine. */
  readonly address: string;
  /** Parent of its control groups, in kubelet's notation: "/name". */
  readonly cgroup: string;
  /** Starts a process in the machine. With mounts of its own, it sees the machine's /run, /var/lib and /var/log. */
  start(spec: ProcessSpec, mounts: Mounts): Promise<RunningProcess>;
  /** Runs a command in the machine to its end. Returns its stdout, or throws an error with its stderr. */
  run(command: string, ...args: string[]): string;
}

/**
 * Starts a machine with its files in `stateDir`/machine. It ends with `processes`, which kills everything that runs in it and
 * removes its mounts, network and control groups. Requires root, util-linux and iproute2.
 */
export async function startMachine(options: {
  stateDir: string;
  logDir: string;
  processes: Processes;
}): Promise<Machine> {
  const { stateDir, logDir, processes } = options;
  const dir = join(stateDir, "machine");
  mkdirSync(dir, { mode: 0o711 });
  const name = `shm-${randomBytes(4).toString("hex")}`;
  await processes.start({
    name: "machine",
    command: "sh",
    args: [join(__dirname, "machine.sh"), dir, name],
    cwd: dir,
    logFile: join(logDir, "machine.log"),
  });
  const pid = await waitUntil(() => Promise.resolve(readFileSync(join(dir, "machine.pid"), "utf8").trim()), {
    what: "the machine's namespaces",
    timeoutMs: READY_TIMEOUT_MS,
    signal: processes.death,
  });
  const link = freeLink();
  connect(name, link, pid);
  return new Namespaces(pid, link.inside, `/${name}`, processes);
}

/** Creates a pair of virtual interfaces, one here and one there. Both go with the machine's network. */
function connect(name: string, { outside, inside, prefix }: Link, pid: string): void {
  const ip = (...args: string[]) => execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
  const ipInside = (...args: string[]) =>
    execFileSync("nsenter", ["--target", pid, "--net", "ip", ...args], { stdio: ["ignore", "ignore", "pipe"] });
  ip("link", "add", name, "type", "veth", "peer", "name", "outside", "netns", pid);
  ip("address", "add", `${outside}/${prefix}`, "dev", name);
  ip("link", "set", name, "up");
  ipInside("address", "add", `${inside}/${prefix}`, "dev", "outside");
  ipInside("link", "set", "outside", "up");
}

class Namespaces implements Machine {
  constructor(
    private readonly pid: string,
    readonly address: string,
    readonly cgroup: string,
    private readonly processes: Processes,
  ) {}

  start(spec: ProcessSpec, mounts: Mounts): Promise<RunningProcess> {
    const args = [...this.entrance(mounts), spec.command, ...spec.args];
    return this.processes.start({ ...spec, command: "nsenter", args });
  }

  run(command: string, ...args: string[]): string {
    return execFileSync("nsenter", [...this.entrance("own"), command, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 64 * 1024 * 1024,
    });
  }

  private entrance(mounts: Mounts): string[] {
    return ["--target", this.pid, "--net", "--pid", ...(mounts === "own" ? ["--mount"] : []), "--"];
  }
}
