import assert from "node:assert/strict";
import type { V1Container } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Check } from "../../../cli/verify/check";
import { outpostDeployment, outpostPod, runOn, sweepCronJob, type Answers } from "./cluster";

const proxy = (tag: string): string => `ghcr.io/goauthentik/proxy:${tag}`;
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
    exec: () =>
      inside instanceof Error ? Promise.reject(inside) : Promise.resolve({ status: 0, stdout: inside, stderr: "" }),
  };
}

async function sessions(stage: Stage): Promise<Check & { code: number }> {
  const { code, stdout } = await runOn(swept(stage), ["verify", "-o", "json"]);
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  return { code, ...checks.find(({ check }) => check === "sessions")! };
}

const subject = { subject: "main", check: "sessions" };
const passes = (seen: string) => ({ code: 0, ...subject, passed: true, seen });
const fails = (seen: string, todo: string) => ({ code: 1, ...subject, passed: false, seen, todo });

describe("the check of the place of the sessions", () => {
  it("goes by the TMPDIR of the running container's environment", async () => {
    const container = { image: proxy("2026.5.0") };
    assert.deepEqual(
      await sessions({ container, inside: "TMPDIR=/dev/shm/\n" }),
      passes("1 pod: sessions are in /dev/shm (by its environment)"),
    );
    const elsewhere = "pod main-a: container proxy keeps its sessions in";
    assert.deepEqual(
      await sessions({ container, inside: "TMPDIR=/sessions\n" }),
      fails(`${elsewhere} /sessions, not in /dev/shm: TMPDIR in its environment is /sessions`, `${inEnv}.`),
    );
    assert.deepEqual(
      await sessions({ container: { image: proxy("latest") }, inside: "TMPDIR=\n" }),
      fails(
        `${elsewhere} /tmp, not in /dev/shm: TMPDIR in its environment is not set`,
        `${inEnv}, or upgrade authentik: from 2025.4.1 on the image sets it.`,
      ),
    );
  });

  it("goes by the spec if no command can be run, which alone turns nothing red", async () => {
    assert.deepEqual(
      await sessions({ container: { image: proxy("2026.5.0") } }),
      passes("1 pod: sessions are in /dev/shm: its image sets TMPDIR"),
    );
    assert.deepEqual(
      await sessions({ container: { image: proxy("latest") } }),
      passes("1 pod: sessions are in /dev/shm: images from 2025.4.1 on set TMPDIR"),
    );
    assert.deepEqual(
      await sessions({ container: { image: proxy("2026.5.0"), env: tmpdir("/sessions") } }),
      fails(
        "pod main-a: container proxy keeps its sessions in /sessions, not in /dev/shm: its env sets TMPDIR",
        `${inEnv}.`,
      ),
    );
  });

  it("fails if neither tells", async () => {
    const env = [{ name: "TMPDIR", valueFrom: { configMapKeyRef: { name: "outpost", key: "tmp" } } }];
    const container = { image: proxy("2026.5.0"), env };
    assert.deepEqual(
      await sessions({ container }),
      fails(
        `pod main-a: the place of its sessions is not known: its TMPDIR comes from ConfigMap outpost; ${noShell}`,
        "Have somebody verify who may exec in the pods.",
      ),
    );
    assert.equal((await sessions({ container, inside: "TMPDIR=/dev/shm\n" })).code, 0);
  });

  it("goes by the Deployment if there are no pods", async () => {
    assert.equal(
      (await sessions({ container: { image: proxy("2024.12.3") }, replicas: 0 })).seen,
      `Deployment ak-outpost-main: container proxy keeps its sessions in /tmp, not in /dev/shm: ${proxy("2024.12.3")}, ` +
        "from before 2025.4.1, sets no TMPDIR",
    );
    assert.deepEqual(
      await sessions({ container: { image: proxy("2026.5.0") }, replicas: 0 }),
      passes("there are no pods; sessions are in /dev/shm: its image sets TMPDIR"),
    );
  });

  it("fails on a release on which forward auth is open", async () => {
    const image = proxy("2025.10.1");
    assert.deepEqual(
      await sessions({ container: { image }, inside: "TMPDIR=/dev/shm/\n" }),
      fails(
        `pod main-a: it runs ${image}, and forward auth is open on 2025.10.0 to 2025.10.2: behind Traefik, Caddy and Envoy, ` +
          "a visit whose session is gone, or that meets a full /dev/shm, is answered HTTP 200 without a login",
        "Upgrade authentik to 2025.10.3 or later.",
      ),
    );
  });
});

describe("status", () => {
  it("notes below its table that the numbers are not those of the sessions", async () => {
    const container = { image: proxy("2024.12.3") };
    const nodeSummary = { pods: [] };
    const { code, stdout } = await runOn({ ...swept({ container }), nodeSummary }, ["status"]);
    assert.equal(code, 0);
    assert.ok(
      stdout.endsWith(
        `main-a: container proxy keeps its sessions in /tmp, not in /dev/shm: ${proxy("2024.12.3")}, from before 2025.4.1, sets no TMPDIR\n`,
      ),
      stdout,
    );
  });
});
