// An outpost as authentik deploys it and this program cures it, of which doctor finds nothing.
import assert from "node:assert/strict";
import type { V1Deployment, V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Finding } from "../../../cli/doctor/finding";
import type { Io } from "../../../cli/io";
import { cleanerScripts } from "../../../cleaner/scripts";
import type { Cluster } from "../../../kubernetes/cluster";
import { podFragment } from "../../../podPatch/podFragment";
import { ofVolume, podSpecFields } from "../managedFields";
import { outpostSettings } from "../outposts";
import { printed, proxyImage, outpostDeployment, outpostPod, runOn, secondsAgo, type Answers } from "./cluster";

const stackManager = "authentik-outpost-shm-prod";

interface DeploymentOptions {
  memory?: string;
  /** Ordinary containers beside the outpost's own. */
  containers?: { name: string; command?: string[]; env?: { name: string }[] }[];
  /** True if our native sidecar is there; default true. */
  sidecar?: boolean;
  /** Owner of the sidecar and its volume. */
  owner?: string;
}

const item = (name: string) => `k:${JSON.stringify({ name })}`;

/** Makes the Deployment of an outpost, with our sidecar on it by default. */
export function deployment(options: DeploymentOptions = {}): V1Deployment {
  const { memory, containers = [], sidecar = true } = options;
  const made = outpostDeployment();
  const { initContainers, volumes } = podFragment(outpostSettings({ name: "main" }));
  const limits = memory === undefined ? {} : { resources: { limits: { memory } } };
  made.spec!.template.spec = {
    containers: [{ name: "proxy", image: proxyImage("2026.5.0"), ...limits }, ...containers],
    ...(sidecar && { initContainers, volumes }),
  };
  const own = [...containers.map(({ name }) => name), "proxy"].map((name) => [item(name), {}]);
  const ofAuthentik = { "f:containers": Object.fromEntries(own) as object };
  const ofOwner = { ...ofVolume, "f:initContainers": { [item("shm-cleanup")]: {} } };
  const entry = (manager: string, podSpec: object) => ({
    manager,
    time: secondsAgo(3600),
    fieldsV1: podSpecFields(podSpec),
  });
  made.metadata = {
    ...made.metadata,
    uid: "1",
    managedFields: [
      entry("goauthentik.io", ofAuthentik),
      ...(sidecar || options.owner ? [entry(options.owner ?? stackManager, ofOwner)] : []),
    ],
  };
  return made;
}

/** The answer of a count with so many logins of the last hour, of 500 in all. */
export const counting = (young: number) =>
  printed(`time=2026-11-24T02:59:40Z event=count dir=/dev/shm authenticated=500 young_logins=${young}\n`);

/** A line of a sidecar's log after a sweep in which all went well. */
const swept = "time=2026-11-24T02:59:40Z event=sweep dir=/dev/shm removed=3 errors=0 duration_ms=9\n";

/** Answers of a cluster where nothing is wrong, but for its Deployments and pods. */
export const nothingWrong: Answers = {
  cronJobs: [],
  limitRanges: [],
  ownObjects: [{ kind: "ConfigMap", name: "ak-outpost-main-shm-cleanup" }],
  version: "v1.34.4",
  selfMay: { allowed: true },
  log: swept,
  configMap: { data: cleanerScripts().files },
  exec: counting(0),
};

const authentikPod: V1Pod = {
  metadata: { name: "authentik-worker-0", namespace: "authentik" },
  spec: { containers: [{ name: "worker" }] },
};

export interface Stage extends Omit<Answers, "deployments" | "pods"> {
  deployments?: V1Deployment[];
  /** The Deployments a while later, or why they can't be listed then. */
  later?: V1Deployment[] | Error;
  /** The outpost's pods, or the answer to every question for pods. */
  pods?: V1Pod[] | Cluster["pods"];
  logs?: Record<string, string>;
}

/** Runs doctor where nothing is wrong but what is given. */
export async function doctor(stage: Stage = {}, args: string[] = [], options: Partial<Io> = {}) {
  const { deployments = [deployment()], later = deployments, logs = {}, ...answers } = stage;
  const { pods = [outpostPod({ name: "main-b" })] } = stage;
  const outpostsAnd: Cluster["pods"] = (_namespace, selector) =>
    Promise.resolve(selector === "app.kubernetes.io/name=authentik" ? [authentikPod] : (pods as V1Pod[]));
  let lists = 0;
  return runOn(
    {
      ...nothingWrong,
      log: ({ pod }) => Promise.resolve(logs[pod] ?? swept),
      ...answers,
      deployments: () => {
        const listed = lists++ === 0 ? deployments : later;
        return listed instanceof Error ? Promise.reject(listed) : Promise.resolve(listed);
      },
      pods: typeof pods === "function" ? pods : outpostsAnd,
    },
    ["doctor", ...args],
    options,
  );
}

/** Returns doctor's findings of this, by its JSON. */
export async function findings(stage: Stage): Promise<Finding[]> {
  const { code, stdout, stderr } = await doctor(stage, ["-o", "json"]);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  assert.deepEqual([code, stderr], [findings.length === 0 ? 0 : 1, ""]);
  return findings;
}

/** Adds a test for each cluster in which doctor finds one thing: what it sees, its advice, and why it matters. */
export function finds(cases: Record<string, [stage: Stage, seen: string, todo: string, why: string]>): void {
  for (const [what, [stage, ...expected]] of Object.entries(cases)) {
    it(`finds ${what}`, async () => {
      const found = await findings(stage);
      const brief = found.map(({ subject, check, seen, todo, why }) => [`${subject} (${check}): ${seen}`, todo, why]);
      assert.deepEqual(brief, [expected]);
    });
  }
}
