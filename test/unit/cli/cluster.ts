// A cluster that gives the answers of a test, and an Io that keeps everything printed.
import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { V1ContainerStatus, V1CronJob, V1Deployment, V1Pod } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { findingsOf } from "../../../cli/doctor/checks";
import type { Finding } from "../../../cli/doctor/finding";
import type { Snapshot } from "../../../cli/doctor/snapshot";
import type { Io } from "../../../cli/io";
import type { OutpostPod } from "../../../cli/pods/outpostPods";
import { run } from "../../../cli/program";
import type { TargetMakers } from "../../../cli/target";
import type { Cluster, Executed } from "../../../kubernetes/cluster";

/** The present time in tests. */
export const NOW = new Date("2026-11-24T03:00:00Z");
export const secondsAgo = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);

/** A test's answers: a method, or what it resolves to; an Error is what it rejects with. */
export type Answers = { [K in keyof Cluster]?: Cluster[K] | Awaited<ReturnType<Cluster[K]>> | Error };

/** Makes a cluster without our CronJob on which only these methods may be called. Every other call rejects with its name. */
export function fakeCluster(given: Answers): Cluster {
  const always: Answers = { server: "https://cluster.example", contextNamespace: "authentik", cronJob: undefined };
  const answers: Answers = { ...always, ...given };
  const get = (_target: object, name: keyof Cluster | "then") => {
    // `await` asks whether a promise's value is a promise itself.
    if (name === "then") return undefined;
    const answer: unknown = answers[name];
    if (typeof answer === "function") return answer;
    return (...args: unknown[]) => {
      if (answer instanceof Error) return Promise.reject(answer);
      if (name in answers) return Promise.resolve(answer);
      return Promise.reject(new Error(`${name}(${JSON.stringify(args)}) is unexpected`));
    };
  };
  return new Proxy({}, { get }) as Cluster;
}

/** The end of a command in a container that prints this. */
export const printed = (stdout: string): Executed => ({ status: 0, stdout, stderr: "" });

/** The end of a command that refuses with this message. */
export const refused = (message: string, code = 1) => ({ code, stdout: "", stderr: `error: ${message}\n` });

export interface Printed extends Io {
  stdout: string;
  stderr: string;
}

export function fakeIo(options: Partial<Io> = {}): Printed {
  const io: Printed = {
    stdout: "",
    stderr: "",
    out: (text) => void (io.stdout += text),
    err: (text) => void (io.stderr += text),
    isTerminal: false,
    errIsTerminal: false,
    colour: false,
    run: (program, args) => Promise.reject(new Error(`${program} ${args.join(" ")} is unexpected`)),
    input: () => "",
    now: () => NOW,
    pause: () => nextTurn(),
    interruption: () => new AbortController().signal,
    ...options,
  };
  return io;
}

/**
 * Runs a command line on a cluster with these answers. Returns its exit status and everything it printed.
 * @param makers environment and project folder; empty and this clone by default
 */
export async function runOn(
  answers: Answers,
  argv: string[],
  options?: Partial<Io>,
  makers: Partial<TargetMakers> = {},
) {
  const io = fakeIo(options);
  const code = await run(argv, io, { cluster: () => Promise.resolve(fakeCluster(answers)), env: {}, ...makers });
  return { code, stdout: io.stdout, stderr: io.stderr };
}

/** Asserts that a command succeeds, with these lines on stdout and nothing on stderr. */
export async function prints(running: ReturnType<typeof runOn>, lines: string[]): Promise<void> {
  const { code, stdout, stderr } = await running;
  assert.deepEqual([code, stderr, stdout.split("\n")], [0, "", [...lines, ""]]);
}

/** Makes a terminal at which every question gets this answer. */
export function asking(answer: string) {
  const questions: string[] = [];
  return { questions, ask: (question: string) => (questions.push(question), Promise.resolve(answer)) };
}

/** Makes the status of a container; it runs and is not ready by default. */
export const containerStatus = (name: string, fields: Partial<V1ContainerStatus> = {}): V1ContainerStatus => ({
  name,
  ready: false,
  state: { running: {} },
  image: "",
  imageID: "",
  restartCount: 0,
  ...fields,
});

/** The image of the outpost in that release. */
export const proxyImage = (tag: string): string => `ghcr.io/goauthentik/proxy:${tag}`;

/** Completes the warning about an outpost of a release on which forward auth is open. */
export const isOpen =
  "forward auth is open on 2025.10.0 to 2025.10.2: behind Traefik, Caddy and Envoy, a visit whose session is gone, or that meets a " +
  "full /dev/shm, is answered HTTP 200 without a login";

export interface PodOptions {
  name: string;
  outpost?: string;
  image?: string;
  /** True if it has our volume and sidecar; default true. */
  sidecar?: boolean;
  shmSize?: string;
  /** Memory limit of the outpost's container. */
  memory?: string;
  /** Users of the outpost's container and of our sidecar. */
  users?: [outpost: number, sidecar: number];
  phase?: string;
  ready?: boolean;
  /** Fields of the statuses of our sidecar, and of the outpost's container. */
  sidecarStatus?: Partial<V1ContainerStatus>;
  proxyStatus?: Partial<V1ContainerStatus>;
  status?: V1Pod["status"];
}

export function outpostPod({ name, outpost = "main", sidecar = true, shmSize = "256Mi", ...rest }: PodOptions): V1Pod {
  const { phase = "Running", ready = phase === "Running", status, sidecarStatus, proxyStatus, image, memory } = rest;
  const [proxyUser, sidecarUser] = (rest.users ?? []).map((runAsUser) => ({ securityContext: { runAsUser } }));
  const resources = memory === undefined ? {} : { resources: { limits: { memory } } };
  const labels = { "goauthentik.io/outpost-type": "proxy", "goauthentik.io/outpost-name": outpost };
  return {
    metadata: { name, namespace: "authentik", labels },
    spec: {
      nodeName: "node-1",
      containers: [{ name: "proxy", ...(image && { image }), ...resources, ...proxyUser }],
      ...(sidecar && {
        initContainers: [{ name: "shm-cleanup", restartPolicy: "Always", ...sidecarUser }],
        volumes: [{ name: "dshm", emptyDir: { medium: "Memory", sizeLimit: shmSize } }],
      }),
    },
    status: {
      phase,
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      ...(sidecar && {
        initContainerStatuses: [
          containerStatus("shm-cleanup", { ready, containerID: "containerd://1", ...sidecarStatus }),
        ],
      }),
      containerStatuses: [containerStatus("proxy", { ready, ...proxyStatus })],
      ...status,
    },
  };
}

export function outpostDeployment(outpost = "main", spec: Partial<V1Deployment["spec"]> = {}): V1Deployment {
  const selected = { "goauthentik.io/outpost-type": "proxy", "goauthentik.io/outpost-name": outpost };
  const labels = {
    "app.kubernetes.io/managed-by": "goauthentik.io",
    "goauthentik.io/outpost-uuid": "c0ffee",
    ...selected,
  };
  const template = { metadata: { labels: selected }, spec: { containers: [{ name: "proxy" }] } };
  return {
    metadata: { name: `ak-outpost-${outpost}`, namespace: "authentik", labels, generation: 1 },
    spec: { replicas: 1, selector: { matchLabels: selected }, template, ...spec },
    status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
  };
}

/** Makes a snapshot of doctor's in which nothing is but what is given. */
export const fakeSnapshot = (given: Partial<Snapshot>): Snapshot => ({
  namespace: "authentik",
  kubectl: "kubectl",
  outpostShm: (command) => `outpost-shm ${command}`,
  outposts: { deployments: [], pods: [] },
  elsewhere: [],
  authentik: { namespace: "authentik", pods: [] },
  authentikLogs: {},
  cronJobs: [],
  limitRanges: [],
  now: NOW,
  ownObjects: [],
  mayExec: [],
  sidecarLogs: {},
  counts: {},
  insides: {},
  unchecked: [],
  ...given,
});

/** Returns what one of doctor's checks finds. */
export const foundBy = (check: string, snapshot: Snapshot): Finding[] => findingsOf(snapshot, [check]);

/** Returns the pod as the commands know it, of Deployment ak-outpost-main. */
export const knownPod = (pod: V1Pod): OutpostPod => ({
  name: pod.metadata!.name!,
  namespace: "authentik",
  outpost: "main",
  deployment: "ak-outpost-main",
  container: "proxy",
  pod,
});

export function sweepCronJob(
  outposts: string[],
  { suspend = false, lastSuccessfulTime = secondsAgo(600) } = {},
): V1CronJob {
  const value = outposts.map((outpost) => `ak-outpost-${outpost} proxy SWEEP_INTERVAL_SECONDS=60`).join("\n");
  const container = { name: "shm-cleanup-cronjob", env: [{ name: "OUTPOSTS", value }] };
  return {
    metadata: { name: "authentik-outpost-shm-cleanup", namespace: "authentik" },
    spec: {
      schedule: "0 * * * *",
      suspend,
      jobTemplate: { spec: { template: { spec: { containers: [container] } } } },
    },
    status: { lastSuccessfulTime },
  };
}

/** Formats the sidecar's metrics; `sweptAgo` is in seconds. */
export function metricsText({
  size = 268435456,
  used = 8273920,
  inodes = 2021,
  sweptAgo = 20,
  oldest = 40,
  errors = 0,
} = {}): string {
  const values: Record<string, number> = {
    size_bytes: size,
    used_bytes: used,
    inodes_used: inodes,
    'session_files{state="anonymous"}': 2000,
    'session_files{state="authenticated"}': 20,
    'session_files{state="debris"}': 1,
    oldest_session_age_seconds: oldest,
    sweep_errors_total: errors,
    last_sweep_timestamp_seconds: NOW.getTime() / 1000 - sweptAgo,
  };
  const samples = Object.entries(values).map(([name, value]) => `authentik_outpost_shm_${name} ${value}\n`);
  return `# HELP authentik_outpost_shm_size_bytes Size of /dev/shm in bytes.\n${samples.join("")}`;
}
