import assert from "node:assert/strict";
import type { Deployment } from "../../../kubernetes/types";
import { memoryWarning } from "../../../sidecar/memoryLimit";
import { outpostSettings } from "../outposts";
import { liveDeployment } from "../preflight/liveDeployment";

const name = "ak-outpost-my-outpost";
const settings = outpostSettings();

type Container = NonNullable<NonNullable<Deployment["spec"]>["template"]["spec"]>["containers"][number];
const container = (name: string, memory?: string, restartPolicy?: string): Container => ({
  name,
  ...(memory && { resources: { limits: { memory } } }),
  ...(restartPolicy && { restartPolicy }),
});

/** Returns an outpost with this limit, and other containers beside it. */
function live(memoryLimit?: string, others: Container[] = [], initContainers?: Container[]): Deployment {
  const deployment = liveDeployment(name, { memoryLimit });
  const spec = deployment.spec!.template.spec!;
  spec.containers.push(...others);
  spec.initContainers = initContainers;
  return deployment;
}

const warning = (limit: string, only?: string): string =>
  `Deployment ${name}: container proxy has a memory limit of ${limit}, too little for a /dev/shm of 256Mi: ` +
  "its pages count as the outpost's memory, so the outpost is OOM-killed before /dev/shm is full. " +
  (only
    ? `With it /dev/shm has only ${only}: every container of the pod has a memory limit, and the kubelet makes the volume no bigger than their sum. `
    : "") +
  "Raise the limit to at least 320Mi where the Deployment comes from (authentik: kubernetes_json_patches), or lower `shmSize`.";

describe("the warning of a memory limit", () => {
  const cases: { what: string; deployment: Deployment; warnings: string[] }[] = [
    { what: "no limit", deployment: live(), warnings: [] },
    { what: "no limit but another's", deployment: live(undefined, [container("other", "1Mi")]), warnings: [] },
    { what: "room for /dev/shm and 64Mi", deployment: live("320Mi"), warnings: [] },
    { what: "plenty of room", deployment: live("1Gi"), warnings: [] },
    { what: "a little less", deployment: live("319Mi"), warnings: [warning("319Mi")] },
    { what: "a decimal unit", deployment: live("300M"), warnings: [warning("300M")] },
    { what: "with the sidecar's as much as /dev/shm", deployment: live("224Mi"), warnings: [warning("224Mi")] },
    { what: "with the sidecar's less", deployment: live("223Mi"), warnings: [warning("223Mi", "255Mi")] },
    { what: "half of it", deployment: live("128Mi"), warnings: [warning("128Mi", "160Mi")] },
    { what: "no whole number of MiB", deployment: live("100M"), warnings: [warning("100M", "127Mi")] },
    {
      what: "another container with one",
      deployment: live("128Mi", [container("other", "64Mi")]),
      warnings: [warning("128Mi", "224Mi")],
    },
    {
      what: "another container without one",
      deployment: live("128Mi", [container("other")]),
      warnings: [warning("128Mi")],
    },
    {
      what: "another container whose limit is 0, which is none",
      deployment: live("128Mi", [container("other", "0")]),
      warnings: [warning("128Mi")],
    },
    {
      what: "an init container without one",
      deployment: live("128Mi", [], [container("init")]),
      warnings: [warning("128Mi")],
    },
    {
      what: "an init container that ends, with less than the others together",
      deployment: live("128Mi", [], [container("init", "100Mi")]),
      warnings: [warning("128Mi", "160Mi")],
    },
    {
      what: "a sidecar, and an init container that ends, with more than the others together",
      deployment: live("64Mi", [], [container("other", "8Mi", "Always"), container("init", "192Mi")]),
      warnings: [warning("64Mi", "200Mi")],
    },
    {
      what: "another sidecar",
      deployment: live("128Mi", [], [container("other", "8Mi", "Always")]),
      warnings: [warning("128Mi", "168Mi")],
    },
    {
      what: "our own sidecar there already, which counts once",
      deployment: live("128Mi", [], [container("shm-cleanup", "32Mi", "Always")]),
      warnings: [warning("128Mi", "160Mi")],
    },
    {
      what: "our own sidecar there already, of the other kind",
      deployment: live("128Mi", [container("shm-cleanup", "32Mi")]),
      warnings: [warning("128Mi", "160Mi")],
    },
  ];
  for (const { what, deployment, warnings } of cases) {
    it(`${warnings.length > 0 ? "is given" : "is not given"}: ${what}`, () => {
      assert.deepEqual(memoryWarning(settings, deployment, { limitRanges: [], pods: [] }), warnings);
    });
  }
});
