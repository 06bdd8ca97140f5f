// Visits to an outpost from inside its pod, over loopback, as the stand-in's own client makes them.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** One second of visits: their HTTP statuses, and the state of /dev/shm at its end. */
export interface Second {
  second: number;
  status: Record<string, number>;
  /** Visits that got no answer. */
  failed: number;
  usedBytes: number;
  sizeBytes: number;
}

export interface Visits {
  seconds: Second[];
  /** People who logged in before the first visit, and how many still were after the last. Undefined if the client was cut off. */
  ending?: { logins: number; alive: number };
}

/** The cluster and namespace in which an outpost is visited. */
export interface Visited {
  namespace: string;
  stage: { kubectl: string; cluster: { kubeconfig: string } };
}

export interface VisitOptions {
  logins?: number;
  /** True to count everyone who has a session already as logged in, instead. */
  known?: boolean;
  /** URL of the outpost to visit; by default the pod's own, over loopback. */
  target?: string;
  /** Visits a second. */
  rate?: number;
  seconds?: number;
}

/** Visits that are under way. */
export class RunningVisits {
  readonly visits: Visits = { seconds: [] };
  private said = "";

  constructor(private readonly child: ChildProcess) {
    createInterface({ input: child.stdout! }).on("line", (line) => this.take(JSON.parse(line) as object));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.said += text));
  }

  private take(line: object): void {
    if ("second" in line) this.visits.seconds.push(line as Second);
    else this.visits.ending = line as Visits["ending"];
  }

  /** Resolves with all visits once they are over. Rejects if they did not come to their end. */
  async done(): Promise<Visits> {
    await this.over();
    if (!this.visits.ending) throw new Error(`the visits were cut off: ${this.said}`);
    return this.visits;
  }

  /** Resolves with all visits, even if their pod went away under them. */
  async over(): Promise<Visits> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, "close");
    return this.visits;
  }
}

export function startVisits(visited: Visited, pod: string, options: VisitOptions): RunningVisits {
  const { kubectl, cluster } = visited.stage;
  const { logins = 0, known = false, rate = 0, seconds = 0, target } = options;
  const flags = [`-known=${known}`, `-logins=${logins}`, `-rate=${rate}`, `-seconds=${seconds}`];
  const command = ["outpost-stand-in", "visit", ...flags, ...(target ? [`-target=${target}`] : [])];
  const args = [
    `--kubeconfig=${cluster.kubeconfig}`,
    `--namespace=${visited.namespace}`,
    "exec",
    pod,
    "--",
    ...command,
  ];
  return new RunningVisits(spawn(kubectl, args, { stdio: ["ignore", "pipe", "pipe"] }));
}

export const visit = (visited: Visited, pod: string, options: VisitOptions): Promise<Visits> =>
  startVisits(visited, pod, options).done();

/**
 * Makes exactly `count` visits, each answered by the start of a login. On a slow machine, visits that did not fit into one
 * second follow in the next.
 */
export async function visitExactly(visited: Visited, pod: string, count: number): Promise<void> {
  for (let missing = count; missing > 0;) {
    const { 302: made = 0, ...others } = answers(await visit(visited, pod, { rate: missing, seconds: 1 }));
    if (made === 0 || Object.keys(others).length > 0)
      throw new Error(`of ${missing} visits ${made} began a login; others: ${JSON.stringify(others)}`);
    missing -= made;
  }
}

/** Counts visits by their answer, over all seconds; "failed" counts those without one. */
export function answers({ seconds }: Visits): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { status, failed } of seconds) {
    for (const [code, count] of Object.entries({ ...status, ...(failed > 0 && { failed }) }))
      sums[code] = (sums[code] ?? 0) + count;
  }
  return sums;
}
