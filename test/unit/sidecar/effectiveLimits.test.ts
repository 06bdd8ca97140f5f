import assert from "node:assert/strict";
import type { LimitRange, Pod, PodSpec } from "../../../kubernetes/types";
import { effectiveSpec } from "../../../sidecar/effectiveLimits";

/** The LimitRange of Kubernetes' own page "Configure Default Memory Requests and Limits", with another default. */
const range = (name: string, memory?: string, type = "Container"): LimitRange => ({
  metadata: { name },
  spec: { limits: [{ type, ...(memory && { _default: { memory } }), defaultRequest: { memory: "64Mi" } }] },
});
const pod = (name: string, memory?: string): Pod => ({
  metadata: { name },
  spec: { containers: [{ name: "proxy", ...(memory && { resources: { limits: { memory } } }) }] },
});
const template = (memory?: string): Partial<PodSpec> => ({
  containers: [{ name: "proxy", ...(memory && { resources: { limits: { memory } } }) }],
});

describe("the memory limit that pods really get", () => {
  const cases: Record<string, [template: Partial<PodSpec>, LimitRange[], Pod[], memory?: string, source?: string]> = {
    none: [template(), [], [pod("main-a")]],
    "the template's own": [template("1Gi"), [range("a", "256Mi")], [pod("main-a", "1Gi")], "1Gi"],
    "a LimitRange's default": [
      template(),
      [range("a", "256Mi")],
      [pod("main-a", "128Mi")],
      "256Mi",
      "the default of LimitRange a",
    ],
    "the least of two defaults": [
      template(),
      [range("a", "1Gi"), range("b", "512Mi")],
      [],
      "512Mi",
      "the default of LimitRange b",
    ],
    "no default for containers": [template(), [range("a"), range("b", "1Gi", "Pod")], []],
    "a live pod's, which a webhook gave it": [
      template(),
      [],
      [pod("main-a"), pod("main-b", "200Mi")],
      "200Mi",
      "by pod main-b; the Deployment itself has none",
    ],
  };
  for (const [what, [given, limitRanges, pods, memory, source]] of Object.entries(cases)) {
    it(`is ${what}`, () => {
      const { spec, sources } = effectiveSpec(given, { limitRanges, pods });
      assert.equal(spec.containers?.[0]?.resources?.limits?.memory, memory);
      assert.deepEqual(sources, source ? { proxy: source } : {});
    });
  }

  it("is found for init containers too, which count for the size that the kubelet gives", () => {
    const given = { ...template(), initContainers: [{ name: "wait" }] };
    const { spec } = effectiveSpec(given, { limitRanges: [range("limits", "96Mi")], pods: [] });
    assert.equal(spec.initContainers?.[0]?.resources?.limits?.memory, "96Mi");
  });
});
