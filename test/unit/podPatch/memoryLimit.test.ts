import assert from "node:assert/strict";
import type { Deployment, LimitRange, Pod, PodSpec } from "../../../kubernetes/types";
import { memoryWarning } from "../../../podPatch/memoryLimit";
import { outpostSettings } from "../outposts";
import { liveDeployment } from "../preflight/scene";

const name = "ak-outpost-my-outpost";
const settings = outpostSettings();

type Container = PodSpec["containers"][number];
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

function ofPod(deployment: Deployment, memory: string): Deployment {
  deployment.spec!.template.spec!.resources = { limits: { memory } };
  return deployment;
}

const warning = (limit: string, only?: string, isFromElsewhere = false): string =>
  `Deployment ${name}: container proxy has a memory limit of ${limit}, too little for a /dev/shm of 256Mi: ` +
  "its pages count as the outpost's memory, so the outpost is OOM-killed before /dev/shm is full. " +
  (only
    ? `With it /dev/shm has only ${only}: the kubelet makes the volume no bigger than the memory limit of the whole pod. `
    : "") +
  `${isFromElsewhere ? "Give the container a limit of its own of" : "Raise the limit to"} at least 320Mi ` +
  "where the Deployment comes from (authentik: kubernetes_json_patches), or lower `shmSize`.";

describe("the warning of a memory limit", () => {
  const other = (memory?: string, restartPolicy?: string) => container("other", memory, restartPolicy);
  const cases: Record<string, [deployment: Deployment, warning?: string]> = {
    "no limit": [live()],
    "no limit but another's": [live(undefined, [other("1Mi")])],
    "room for /dev/shm and 64Mi": [live("320Mi")],
    "plenty of room": [live("1Gi")],
    "a little less": [live("319Mi"), warning("319Mi")],
    "a decimal unit": [live("300M"), warning("300M")],
    "with the sidecar's as much as /dev/shm": [live("224Mi"), warning("224Mi")],
    "with the sidecar's less": [live("223Mi"), warning("223Mi", "255Mi")],
    "half of it": [live("128Mi"), warning("128Mi", "160Mi")],
    "no whole number of MiB": [live("100M"), warning("100M", "127Mi")],
    "another container with one": [live("128Mi", [other("64Mi")]), warning("128Mi", "224Mi")],
    "another container without one": [live("128Mi", [other()]), warning("128Mi")],
    "another container whose limit is 0, which is none": [live("128Mi", [other("0")]), warning("128Mi")],
    "an init container without one": [live("128Mi", [], [other()]), warning("128Mi")],
    "an init container that ends, with less than the others together": [
      live("128Mi", [], [other("100Mi")]),
      warning("128Mi", "160Mi"),
    ],
    "a sidecar, and an init container that ends, with more than the others together": [
      live("64Mi", [], [other("8Mi", "Always"), other("192Mi")]),
      warning("64Mi", "200Mi"),
    ],
    "another sidecar": [live("128Mi", [], [other("8Mi", "Always")]), warning("128Mi", "168Mi")],
    "one of the whole pod": [ofPod(live(), "351Mi"), warning("351Mi (the whole pod's)").replace("320Mi", "352Mi")],
    "one of the whole pod that is more than the container's": [
      ofPod(live("128Mi"), "200Mi"),
      warning("128Mi", "200Mi"),
    ],
    "one of the whole pod with room": [ofPod(live(), "352Mi")],
    "our own sidecar there already, which counts once": [
      live("128Mi", [], [container("shm-cleanup", "32Mi", "Always")]),
      warning("128Mi", "160Mi"),
    ],
    "our own sidecar there already, of the other kind": [
      live("128Mi", [container("shm-cleanup", "32Mi")]),
      warning("128Mi", "160Mi"),
    ],
  };
  for (const [what, [deployment, expected]] of Object.entries(cases)) {
    it(`${expected ? "is given" : "is not given"}: ${what}`, () => {
      assert.equal(memoryWarning(settings, deployment, { limitRanges: [], pods: [] }), expected);
    });
  }
});

describe("the memory limit that pods get from elsewhere", () => {
  /** The LimitRange of Kubernetes' own page "Configure Default Memory Requests and Limits", with another default. */
  const range = (name: string, memory?: string, type = "Container"): LimitRange => ({
    metadata: { name },
    spec: { limits: [{ type, ...(memory && { _default: { memory } }), defaultRequest: { memory: "64Mi" } }] },
  });
  const pod = (name: string, memory?: string): Pod => ({
    metadata: { name },
    spec: { containers: [container("proxy", memory)] },
  });
  const ofRange = (name: string) => `the default of LimitRange ${name}`;

  const cases: Record<string, [Deployment, LimitRange[], Pod[], limit?: string, source?: string, only?: string]> = {
    none: [live(), [], [pod("main-a")]],
    "the template's own": [live("1Gi"), [range("a", "200Mi")], [pod("main-a", "200Mi")]],
    "a LimitRange's default": [live(), [range("a", "240Mi")], [pod("main-a", "128Mi")], "240Mi", ofRange("a")],
    "the least of two defaults": [live(), [range("a", "1Gi"), range("b", "240Mi")], [], "240Mi", ofRange("b")],
    "no default for containers": [live(), [range("a"), range("b", "240Mi", "Pod")], []],
    "a live pod's, which a webhook gave it": [
      live(),
      [],
      [pod("main-a"), pod("main-b", "240Mi")],
      "240Mi",
      "by pod main-b; the Deployment itself has none",
    ],
    "an init container's too, which counts for the size that the kubelet gives": [
      live("128Mi", [], [container("wait", undefined, "Always")]),
      [range("a", "8Mi")],
      [],
      "128Mi",
      undefined,
      "168Mi",
    ],
  };
  for (const [what, [deployment, limitRanges, pods, limit, source, only]] of Object.entries(cases)) {
    it(`is ${what}`, () => {
      const expected = limit && warning(source ? `${limit} (${source})` : limit, only, source !== undefined);
      assert.equal(memoryWarning(settings, deployment, { limitRanges, pods }), expected);
    });
  }
});
