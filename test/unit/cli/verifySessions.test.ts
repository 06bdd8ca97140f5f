import assert from "node:assert/strict";
import type { V1Container } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Check } from "../../../cli/verify/check";
import {
  isOpen,
  outpostDeployment,
  outpostPod,
  printed,
  proxyImage,
  runOn,
  sweepCronJob,
  type Answers,
} from "./cluster";

const tmpdir = (value: string) => [{ name: "TMPDIR", value }];
const inEnv = "Set TMPDIR to /dev/shm in its env (kubernetes_json_patches of the outpost, or its manifest)";
const noShell = 'OCI runtime exec failed: exec: "sh": executable file not found in $PATH';

interface Stage {
  container: Partial<V1Container>;
  /** The output of the command in the pod's container; an error if it can't be run. */
  inside?: string | Error;
  replicas?: number;
}

/** A cluster whose CronJob sweeps one outpost, with these fields in its container. */
function swept({ container, inside = new Error(noShell), replicas = 1 }: Stage): Answers {
  const deployment = outpostDeployment("main", { replicas });
  const pod = outpostPod({ name: "main-a", sidecar: false });
  for (const { containers } of [deployment.spec!.template.spec!, pod.spec!]) Object.assign(containers[0], container);
  const job = { metadata: { name: "sweep-1" }, status: { conditions: [{ type: "Complete", status: "True" }] } };
  return {
    deployments: [deployment],
    pods: replicas > 0 ? [pod] : [],
    configMap: undefined,
    cronJob: sweepCronJob(["main"]),
    jobsOf: [job],
    selfMay: { allowed: true },
    exec: inside instanceof Error ? inside : printed(inside),
  };
}

async function sessions(stage: Stage): Promise<Check & { code: number }> {
  const { code, stdout } = await runOn(swept(stage), ["verify", "-o", "json"]);
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  return { code, ...checks.find(({ check }) => check === "sessions")! };
}

const upToDate = proxyImage("2026.5.0");
const unknown = {
  image: upToDate,
  env: [{ name: "TMPDIR", valueFrom: { configMapKeyRef: { name: "outpost", key: "tmp" } } }],
};
const old = `container proxy keeps its sessions in /tmp, not in /dev/shm: ${proxyImage("2024.12.3")}, from before 2025.4.1, sets no TMPDIR`;
const inSessions = "pod main-a: container proxy keeps its sessions in /sessions, not in /dev/shm";
const orUpgrade = `${inEnv}, or upgrade authentik: from 2025.4.1 on the image sets it.`;

describe("the check of the place of the sessions", () => {
  /** Finding, and advice if it fails. */
  const cases: Record<string, [stage: Stage, seen: string, todo?: string]> = {
    "passes by the TMPDIR of the running container": [
      { container: { image: upToDate }, inside: "TMPDIR=/dev/shm/\n" },
      "1 pod: sessions are in /dev/shm (by its environment)",
    ],
    "passes by it where the spec does not tell": [
      { container: unknown, inside: "TMPDIR=/dev/shm\n" },
      "1 pod: sessions are in /dev/shm (by its environment)",
    ],
    "fails by it": [
      { container: { image: upToDate }, inside: "TMPDIR=/sessions\n" },
      `${inSessions}: TMPDIR in its environment is /sessions`,
      `${inEnv}.`,
    ],
    "fails where the running container has none": [
      { container: { image: proxyImage("latest") }, inside: "TMPDIR=\n" },
      "pod main-a: container proxy keeps its sessions in /tmp, not in /dev/shm: TMPDIR in its environment is not set",
      orUpgrade,
    ],
    "passes by the image if no command can be run, which alone turns nothing red": [
      { container: { image: upToDate } },
      "1 pod: sessions are in /dev/shm: its image sets TMPDIR",
    ],
    "fails by the spec if no command can be run": [
      { container: { image: upToDate, env: tmpdir("/sessions") } },
      `${inSessions}: its env sets TMPDIR`,
      `${inEnv}.`,
    ],
    "fails if neither tells": [
      { container: unknown },
      `pod main-a: the place of its sessions is not known: its TMPDIR comes from ConfigMap outpost; ${noShell}`,
      "Have somebody verify who may exec in the pods.",
    ],
    "fails by the Deployment if there are no pods": [
      { container: { image: proxyImage("2024.12.3") }, replicas: 0 },
      `Deployment ak-outpost-main: ${old}`,
      orUpgrade,
    ],
    "passes by the Deployment if there are no pods": [
      { container: { image: upToDate }, replicas: 0 },
      "there are no pods; sessions are in /dev/shm: its image sets TMPDIR",
    ],
    "fails on a release on which forward auth is open": [
      { container: { image: proxyImage("2025.10.1") }, inside: "TMPDIR=/dev/shm/\n" },
      `pod main-a: it runs ${proxyImage("2025.10.1")}, and ${isOpen}`,
      "Upgrade authentik to 2025.10.3 or later.",
    ],
  };
  for (const [what, [stage, seen, todo]] of Object.entries(cases)) {
    it(what, async () =>
      assert.deepEqual(await sessions(stage), {
        code: todo ? 1 : 0,
        subject: "main",
        check: "sessions",
        passed: !todo,
        seen,
        ...(todo && { todo }),
      }),
    );
  }
});
