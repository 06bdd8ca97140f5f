// The look at what an outpost's pods really get, before anything is changed.
import assert from "node:assert/strict";
import type { Deployment, Pod } from "../../../kubernetes/types";
import { outpostSettings } from "../outposts";
import { clusterWith, inspect, liveDeployment } from "./scene";

const name = "ak-outpost-my-outpost";
const selected = { "goauthentik.io/outpost-type": "proxy" };

interface World {
  /** User of the container, and of the pod, in the Deployment's template. */
  template?: { container?: number; pod?: number };
  pods?: Pod[];
  /** Kinds that may not be listed. */
  forbidden?: ("pods" | "limitRanges")[];
}

/** Returns a pod with the uid in the container, as an OpenShift SCC writes it, or in the pod. */
const pod = (podName: string, { container, pod: ofPod }: { container?: number; pod?: number } = {}): Pod => ({
  metadata: { name: podName, labels: selected },
  spec: {
    containers: [{ name: "proxy", ...(container !== undefined && { securityContext: { runAsUser: container } }) }],
    ...(ofPod !== undefined && { securityContext: { runAsUser: ofPod } }),
  },
});

async function look({ template = {}, pods = [], forbidden = [] }: World, settings = {}) {
  const live: Deployment = liveDeployment(name);
  live.spec!.selector = { matchLabels: selected };
  const spec = live.spec!.template.spec!;
  if (template.container !== undefined) spec.containers[0].securityContext = { runAsUser: template.container };
  if (template.pod !== undefined) spec.securityContext = { runAsUser: template.pod };
  const refused = new Error("no", { cause: { code: 403 } });
  const denied = Object.fromEntries(forbidden.map((kind) => [kind, refused]));
  return inspect(clusterWith([live], { pods, ...denied }), [outpostSettings(settings)]);
}

const nothing = { problems: [], warnings: [] };

describe("inspection of the user that pods run as", () => {
  const ownerOnly =
    "/dev/shm is mode 1777: only the uid that wrote a session can remove it, so nothing would be removed.";
  const runs = (uid: number, source: string) =>
    `outpost "My Outpost": Deployment ${name} runs container proxy as uid ${uid} (${source})`;
  const lost = "and `runAsUser: cluster` leaves the sidecar's uid to the cluster, which does not give it that one";
  const orCluster = "or to `cluster`, which leaves it to the cluster.";

  const cases: Record<string, [World, object, string | undefined]> = {
    "only the image says": [{ pods: [pod("a")] }, {}, undefined],
    "the template and the settings agree": [{ template: { container: 1000 } }, {}, undefined],
    "the pod's differs and the container's is the sidecar's": [
      { template: { container: 1000, pod: 3000 } },
      {},
      undefined,
    ],
    "the container has another in the template": [
      { template: { container: 2000 } },
      {},
      `${runs(2000, "securityContext of the container in its template")}, and the sidecar would run as uid 1000. ${ownerOnly} Set \`runAsUser\` to 2000.`,
    ],
    "the pod has another in the template": [
      { template: { pod: 2000 } },
      {},
      `${runs(2000, "securityContext of the pod in its template")}, and the sidecar would run as uid 1000. ${ownerOnly} Set \`runAsUser\` to 2000, ${orCluster}`,
    ],
    "an SCC has assigned another to the live pod": [
      { pods: [pod("my-outpost-a", { container: 1000650000 })] },
      {},
      `${runs(1000650000, "by pod my-outpost-a")}, and the sidecar would run as uid 1000. ${ownerOnly} Set \`runAsUser\` to 1000650000, ${orCluster}`,
    ],
    "the outpost runs as root": [
      { template: { container: 0 } },
      {},
      `${runs(0, "securityContext of the container in its template")}, and the sidecar would run as uid 1000. ${ownerOnly} ` +
        "The sidecar never runs as root: have the outpost run as a user of its own (1000 in authentik's image), or set the outpost's `solution` to cronjob.",
    ],
    "the SCC's uid is given": [{ pods: [pod("a", { container: 1000650000 })] }, { runAsUser: 1000650000 }, undefined],
    "the cluster assigns it to both": [
      { pods: [pod("a", { container: 1000650000 })] },
      { runAsUser: "cluster" },
      undefined,
    ],
    "the outpost's whole pod runs as root": [
      { template: { pod: 0 } },
      { runAsUser: "cluster" },
      `${runs(0, "securityContext of the pod in its template")}. The sidecar never runs as root: have the outpost run as a user of its own (1000 in authentik's image), or set the outpost's \`solution\` to cronjob.`,
    ],
    "the pod's holds for both": [{ template: { pod: 2000 } }, { runAsUser: "cluster" }, undefined],
    "the container alone has it, and the rest is left to the cluster": [
      { template: { container: 2000 } },
      { runAsUser: "cluster" },
      `${runs(2000, "securityContext of the container in its template")}, ${lost}. ${ownerOnly} Set \`runAsUser\` to 2000.`,
    ],
  };
  for (const [what, [world, settings, expected]] of Object.entries(cases)) {
    it(`${expected ? "stops where" : "goes on where"} ${what}`, async () => {
      assert.deepEqual(await look(world, settings), { problems: expected ? [expected] : [], warnings: [] });
    });
  }

  it("warns where nobody gives the sidecar a user", async () => {
    assert.deepEqual(await look({ pods: [pod("my-outpost-a")] }, { runAsUser: "cluster" }), {
      problems: [],
      warnings: [
        'outpost "My Outpost": `runAsUser: cluster` leaves the sidecar\'s uid to the cluster, and this one assigns none (pod my-outpost-a). ' +
          "The sidecar then runs as its image says, and does not start as root. Set `runAsUser` to the outpost's uid, 1000 in authentik's image.",
      ],
    });
  });

  it("warns where pods are given a uid, and the CronJob's would ask for another", async () => {
    const assigned = { pods: [pod("my-outpost-a", { container: 1000650000 })] };
    const warnings = [
      'outpost "My Outpost": its pods are given a uid, 1000650000 (by pod my-outpost-a). If the cluster does that, as OpenShift does, it ' +
        "refuses the CronJob's pods, which ask for another one, and nothing sweeps: set `runAsUser` to `cluster` then.",
    ];
    for (const settings of [{ solution: "cronjob" }, { solution: "both", runAsUser: "1000650000" }])
      assert.deepEqual(await look(assigned, settings), { problems: [], warnings });
    assert.deepEqual(await look(assigned, { solution: "cronjob", runAsUser: "cluster" }), nothing);
    assert.deepEqual(await look({ template: { container: 2000 } }, { solution: "cronjob" }), nothing);
  });

  it("judges no pod of another Deployment", async () => {
    const other = pod("other", { container: 5 });
    other.metadata!.labels = { app: "other" };
    assert.deepEqual(await look({ pods: [other] }), nothing);
  });
});

describe("inspection of the memory that pods get", () => {
  it("warns by a live pod where LimitRanges may not be listed", async () => {
    const live = pod("my-outpost-a");
    live.spec!.containers[0].resources = { limits: { memory: "256Mi" } };
    const { problems, warnings } = await look({ pods: [live], forbidden: ["limitRanges"] });
    assert.deepEqual([problems, warnings.length], [[], 1]);
    assert.match(
      warnings[0],
      /^Deployment ak-outpost-my-outpost: container proxy has a memory limit of 256Mi \(by pod /,
    );
  });

  it("loses nothing else where neither may be listed", async () => {
    assert.deepEqual(await look({ forbidden: ["pods", "limitRanges"] }), nothing);
  });
});
