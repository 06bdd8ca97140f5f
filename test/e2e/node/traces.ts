// Traces of a node's start on this machine. Others may run there at the same time, so only what belongs to this start counts: its
// processes have a mark in their environment, and everything else has their names.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stateRoot } from "../../../sandbox/paths";

const MARK = "TEST_STARTED_BY";
const GROUPS = "/sys/fs/cgroup";

/** Traces of a start at one moment. If all are empty, nothing is left of it. */
export interface Found {
  /** Id and command of each process outside and inside the node, containers included. */
  processes: string[];
  interfaces: string[];
  groups: string[];
  mounts: string[];
  /** Rules of the machine's own iptables. */
  rules: string[];
  /** Folders under .sandbox/. */
  state: string[];
}

export const nothing: Found = { processes: [], interfaces: [], groups: [], mounts: [], rules: [], state: [] };

export class Traces {
  private readonly containers = new Map<number, string>();
  /** Name of the node's interface and control groups, known from the first look that found them. */
  name: string | undefined;

  /** Id of the process that was started with the mark. Its mounts may differ from ours. */
  starter = 0;

  private constructor(private readonly mark: string) {}

  /** Returns the environment for the process to trace, with everything that it starts. */
  static marked(): { traces: Traces; env: NodeJS.ProcessEnv } {
    const mark = `${MARK}=${crypto.randomUUID()}`;
    const [name, value] = mark.split("=");
    return { traces: new Traces(mark), env: { ...process.env, [name]: value } };
  }

  look(): Found {
    const marked = this.marked();
    const machine = marked.map(commandOf).find((words) => words.some((word) => word.endsWith("node/machine.sh")));
    this.name ??= machine?.at(-1);
    const groups = this.groups();
    for (const group of groups) for (const pid of membersOf(group)) this.containers.set(pid, startOf(pid));
    const contained = [...this.containers].filter(([pid, start]) => start !== "" && startOf(pid) === start);
    const pids = new Set([...marked, ...contained.map(([pid]) => pid)]);
    return {
      processes: [...pids].map((pid) => `${pid} ${commandOf(pid).join(" ").slice(0, 200)}`),
      interfaces: readdirSync("/sys/class/net").filter((name) => name === this.name),
      groups,
      mounts: ["self", this.starter]
        .flatMap((pid) => linesOf(read(`/proc/${pid}/mountinfo`)))
        .filter((line) => line.includes(stateRoot())),
      rules: linesOf(execFileSync("iptables-save", { encoding: "utf8" })).filter((line) =>
        /KUBE-|10\.244\./.test(line),
      ),
      state: this.state(marked),
    };
  }

  /** Lists the ids of the processes that have the mark. */
  marked(): number[] {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return pids.filter((pid) => read(`/proc/${pid}/environ`).split("\0").includes(this.mark)).map(Number);
  }

  private groups(): string[] {
    if (this.name === undefined) return [];
    const hierarchies = ["", ...readdirSync(GROUPS)].map((hierarchy) => join(GROUPS, hierarchy, this.name!));
    return hierarchies.filter((group) => existsSync(group));
  }

  private readonly owners = new Set<number>();

  /** Finds the folders by the process id in their names. */
  private state(marked: number[]): string[] {
    for (const pid of marked) this.owners.add(pid);
    if (!existsSync(stateRoot())) return [];
    return readdirSync(stateRoot()).filter((entry) => this.owners.has(Number(entry.split(".").at(-2))));
  }
}

function membersOf(group: string): number[] {
  const files = readdirSync(group, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith("cgroup.procs"),
  );
  return files.flatMap((file) => linesOf(read(join(group, file))).map(Number));
}

/** Returns when the process started, in ticks since boot: with its id it is this process and no other. Empty if it is gone. */
const startOf = (pid: number): string => read(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ")[19] ?? "";

const commandOf = (pid: number): string[] => read(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);

const linesOf = (text: string): string[] => text.split("\n").filter((line) => line !== "");

/** Reads a file; empty if it is gone meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
