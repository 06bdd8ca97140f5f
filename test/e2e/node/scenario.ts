// Outposts in a namespace of their own and a stack of the exported program beside them, on the shared cluster; and what an operator
// does with their pods.
import { execFile, type ExecFileException } from "node:child_process";
import type { V1Deployment, V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { slugify } from "../../../authentik/slug";
import { clients } from "../../../sandbox/clients";
import { openStack, type EngineStack } from "../../../sandbox/engine";
import { createOutpost, isRolledOut, outpostObjectName, type OutpostSpec } from "../../../sandbox/outpost";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { waitUntil } from "../../../sandbox/waitUntil";
import { NO_SCHEDULE } from "../cluster/sweepCommand";
import { sharedStage, type Stage } from "./fixture";

/** Longest wait for the rollout of a few pods, in milliseconds. */
const ROLLOUT_TIMEOUT_MS = 90_000;

export interface ScenarioOptions {
  /** Name of the stack; unique among the tests. */
  name: string;
  /** Defaults to `node-` and the name. */
  namespace?: string;
  /** Outposts that authentik has created; by default one, "main". */
  outposts?: Omit<OutpostSpec, "namespace">[];
  /** Stack config besides `namespace`, `outposts` and `schedule`, which default to the scenario's own. */
  config?: Record<string, unknown>;
  /** Labels of the namespace. */
  labels?: Record<string, string>;
  /** Longest wait for each outpost's pods, in milliseconds; default a minute. */
  availableWithinMs?: number;
}

/** The result of a command. */
export interface Ended {
  status: number;
  stdout: string;
  stderr: string;
}

interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

export function run(file: string, args: string[], options: RunOptions = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const done = (error: ExecFileException | null, stdout: string, stderr: string) =>
      resolve({ status: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    execFile(file, args, { ...options, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 }, done);
  });
}

export class Scenario {
  constructor(
    readonly namespace: string,
    readonly stack: EngineStack,
    readonly stage: Stage,
    private readonly outposts: string[],
  ) {}

  /** Runs kubectl in the scenario's namespace. Rejects with its message if it fails. */
  async kubectl(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.tryKubectl(...args);
    if (status !== 0) throw new Error(`kubectl ${args.join(" ").slice(0, 200)}: ${stderr}`);
    return stdout;
  }

  tryKubectl(...args: string[]): Promise<Ended> {
    const all = [`--kubeconfig=${this.stage.cluster.kubeconfig}`, `--namespace=${this.namespace}`, ...args];
    return run(this.stage.kubectl, all);
  }

  exec(pod: string, container: string, ...command: string[]): Promise<string> {
    return this.kubectl("exec", pod, `--container=${container}`, "--", ...command);
  }

  /** Counts the files in /dev/shm of an outpost's pod. */
  async files(pod: string): Promise<number> {
    return Number(await this.exec(pod, "proxy", "sh", "-c", "ls /dev/shm | wc -l"));
  }

  /** Returns the size of a pod's /dev/shm and what is in use of it, in KiB. */
  async shm(pod: string, container = "proxy"): Promise<{ size: number; used: number }> {
    const output = await this.exec(pod, container, "df", "-k", "/dev/shm");
    const [, size, used] = output.trim().split("\n")[1].split(/\s+/).map(Number);
    return { size, used };
  }

  async get<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.kubectl("get", ...args, "--output=json")) as T;
  }

  deployment(outpost: string): Promise<V1Deployment> {
    return this.get<V1Deployment>("deployment", outpostObjectName({ name: outpost }));
  }

  /** Lists the outpost's pods that are not terminating, by name. */
  async pods(outpost: string): Promise<V1Pod[]> {
    const selector = `goauthentik.io/outpost-name=${slugify(outpost)}`;
    const { items } = await this.get<{ items: V1Pod[] }>("pods", `--selector=${selector}`);
    const staying = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    return staying.sort((a, b) => a.metadata!.name!.localeCompare(b.metadata!.name!));
  }

  /** Returns the name of the outpost's only pod. */
  async pod(outpost: string): Promise<string> {
    const pods = await this.pods(outpost);
    if (pods.length !== 1) throw new Error(`outpost ${outpost} has ${pods.length} pods, not one`);
    return pods[0].metadata!.name!;
  }

  /** Replaces the stack's config, except for the namespace and, unless given, the outposts and the schedule. */
  async setConfig(config: Record<string, unknown>): Promise<void> {
    await this.stack.setConfig({
      namespace: this.namespace,
      outposts: this.outposts,
      schedule: NO_SCHEDULE,
      ...config,
    });
  }

  /** Runs `pulumi up`. Resolves when every outpost's pods have the current template and are available, and no others are left. */
  async up(): Promise<void> {
    await this.stack.up();
    for (const outpost of this.outposts) await this.rollout(outpost);
  }

  async rollout(outpost: string): Promise<void> {
    const isDone = async () => isRolledOut(await this.deployment(outpost)) || undefined;
    await this.until(`the rollout of outpost ${outpost}`, isDone, ROLLOUT_TIMEOUT_MS);
  }

  /** Waits until `ask` answers. The error names `what`. */
  until<T>(what: string, ask: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
    return waitUntil(ask, { what, timeoutMs, signal: this.stage.cluster.death, pauseMs: 250 });
  }
}

export async function openScenario(options: ScenarioOptions): Promise<Scenario> {
  const { name, namespace = `node-${name}`, outposts = [{ name: "main" }], config } = options;
  const stage = await sharedStage();
  const { kubeconfig, context } = stage.cluster;
  if (options.labels) {
    const { core } = await clients(kubeconfig);
    await core.createNamespace({ body: { metadata: { name: namespace, labels: options.labels } } });
  }
  for (const outpost of outposts) await createOutpost(kubeconfig, { namespace, ...outpost }, options.availableWithinMs);
  const names = outposts.map((outpost) => outpost.name);
  const stack = await openStack({
    stack: name,
    stateDir: createStateFolder(`engine-${name}`),
    kubeconfig,
    context,
    pulumi: stage.pulumi,
    config: { namespace, outposts: names, schedule: NO_SCHEDULE, ...config },
  });
  return new Scenario(namespace, stack, stage, names);
}

/** Removes the scenario's objects from the cluster, so that later tests have the node for themselves. */
export async function closeScenario(scenario: Scenario | undefined): Promise<void> {
  await scenario?.kubectl("delete", "namespace", scenario.namespace, "--timeout=60s");
}
