// A machine within this one, for a node. It has its own namespaces (machine.sh), and one link is the only way in or out.
import { execFileSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Processes, ProcessSpec, RunningProcess } from "../processes";
import { waitUntil } from "../waitUntil";

const READY_TIMEOUT_MS = 20_000;

/** Mounts that a process in the machine sees: the machine's own, or ours. Its network and processes are always the machine's. */
type Mounts = "own" | "shared";

/** Folders of a cluster's files, and its processes. */
export interface Site {
  /** Removed when the cluster stops. Only the owner may enter, since credentials and etcd's sockets are in it. */
  stateDir: string;
  logDir: string;
  processes: Processes;
}

/**
 * Starts a machine with its files in `stateDir`/machine. It ends with `processes`, which kills everything that runs in it and
 * removes its mounts, network and control groups. Requires root, util-linux and iproute2.
 */
export async function startMachine({ stateDir, logDir, processes }: Site): Promise<Machine> {
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
  const pid = await waitUntil(() => readFileSync(join(dir, "machine.pid"), "utf8").trim(), {
    what: "the machine's namespaces",
    timeoutMs: READY_TIMEOUT_MS,
    signal: processes.death,
  });
  const link = freeLink();
  connect(name, link, pid);
  return new Machine(pid, link.inside, `/${name}`, processes);
}

/** Creates a pair of virtual interfaces, one here and one there. Both go with the machine's network. */
function connect(name: string, { outside, inside, prefix }: Link, pid: string): void {
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  const ip = (...args: string[]) => run("ip", ...args);
  const ipInside = (...args: string[]) => run("nsenter", "--target", pid, "--net", "ip", ...args);
  ip("link", "add", name, "type", "veth", "peer", "name", "outside", "netns", pid);
  ip("address", "add", `${outside}/${prefix}`, "dev", name);
  ip("link", "set", name, "up");
  ipInside("address", "add", `${inside}/${prefix}`, "dev", "outside");
  ipInside("link", "set", "outside", "up");
}

export class Machine {
  /**
   * @param pid of its first process, whose namespaces all others share
   * @param address which only this machine can reach, and which can reach only this machine
   * @param cgroup parent of its control groups, in kubelet's notation: "/name"
   */
  constructor(
    private readonly pid: string,
    readonly address: string,
    readonly cgroup: string,
    private readonly processes: Processes,
  ) {}

  /** Starts a process in the machine. With mounts of its own, it sees the machine's /run, /var/lib and /var/log. */
  start(spec: ProcessSpec, mounts: Mounts): Promise<RunningProcess> {
    const args = [...this.entrance(mounts), spec.command, ...spec.args];
    return this.processes.start({ ...spec, command: "nsenter", args });
  }

  /** Runs a command in the machine to its end. Returns its stdout, or throws an error with its stderr. */
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

/** The two ends of a link, in a network of their own. */
interface Link {
  outside: string;
  inside: string;
  /** Length of the network's prefix, in bits. */
  prefix: number;
}

// 198.18.0.0/15 is reserved for tests of network devices (RFC 2544), so no real network has these addresses.
const FIRST_NETWORK = (198 << 24) | (18 << 16);
const NETWORKS = 2 ** 15;
const LINK_PREFIX = 30;
const LINK_ATTEMPTS = 100;

/** Draws a random network that only this machine's default route covers. Two sandboxes started at once thus differ. */
function freeLink(): Link {
  for (let attempt = 0; attempt < LINK_ATTEMPTS; attempt++) {
    const network = FIRST_NETWORK + 4 * randomInt(NETWORKS);
    if (isFree(network)) return { outside: dotted(network + 1), inside: dotted(network + 2), prefix: LINK_PREFIX };
  }
  throw new Error("all of 198.18.0.0/15 is routed on this machine: there is no free network for the sandbox's link");
}

function isFree(network: number): boolean {
  const routes = execFileSync(
    "ip",
    ["-4", "route", "show", "table", "all", "match", `${dotted(network)}/${LINK_PREFIX}`],
    {
      encoding: "utf8",
    },
  );
  return routes.split("\n").every((route) => route === "" || route.startsWith("default "));
}

const dotted = (address: number): string => [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
