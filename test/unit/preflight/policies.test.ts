import assert from "node:assert/strict";
import type { Support } from "../../../kubernetes/supportedKinds";
import { inspectPodAdmission, inspectPolicies } from "../../../preflight/policies";
import { resolveSettings } from "../../../settings/resolve";

const settings = (raw: Record<string, unknown> = {}) =>
  resolveSettings({ namespace: "authentik", outposts: ["one"], solution: "cronjob", ...raw });
const look = (support: Support) => inspectPolicies({ support: () => Promise.resolve(support) }, settings());

describe("the look at a cluster's admission policies", () => {
  it("warns where the cluster has none, and goes on", async () => {
    assert.deepEqual(await look("unserved"), {
      problems: [],
      warnings: [
        "restrictExec: this cluster has no ValidatingAdmissionPolicy (Kubernetes has from 1.30 on), so the CronJob's account may run any " +
          "command in the pods of namespace authentik, not only the sweep. Set restrictExec to false to be told so no more.",
      ],
      execPolicy: false,
    });
  });

  it("does not look where none is wanted", async () => {
    const cluster = { support: () => Promise.reject(new Error("looked")) };
    for (const raw of [{ restrictExec: false }, { solution: "sidecar" }]) {
      const found = await inspectPolicies(cluster, settings(raw));
      assert.deepEqual(found, { problems: [], warnings: [], execPolicy: false });
    }
  });

  it("stops where the account may not create one", async () => {
    assert.deepEqual((await look("forbidden")).problems, [
      "restrictExec needs a ValidatingAdmissionPolicy and its binding, which your account may not create. Have somebody update the " +
        "stack who may, or set restrictExec to false: the CronJob's account may then run any command in the pods of namespace authentik, not only the sweep.",
    ]);
  });
});

describe("the look at a cluster's policies of pods", () => {
  it("does not look where none is wanted", async () => {
    const cluster = { support: () => Promise.reject(new Error("looked")) };
    for (const raw of [{ delivery: "admission" }, { solution: "sidecar" }])
      assert.deepEqual((await inspectPodAdmission(cluster, settings(raw), "")).problems, []);
  });

  const lacks: [Support, string[]][] = [
    ["usable", []],
    [
      "unserved",
      [
        "delivery admission: this cluster runs Kubernetes v1.35.1 and has no MutatingAdmissionPolicy (on by default from 1.36 on). " +
          "Set `delivery` to deployment.",
      ],
    ],
    [
      "forbidden",
      [
        "delivery admission needs a MutatingAdmissionPolicy and its bindings, which your account may not create. " +
          "Have somebody update the stack who may, or set `delivery` to deployment.",
      ],
    ],
  ];
  for (const [support, problems] of lacks) {
    it(`${problems.length > 0 ? "stops" : "goes on"} where they are ${support}`, async () => {
      const cluster = { support: () => Promise.resolve(support) };
      const wanted = settings({ solution: "sidecar", delivery: "admission" });
      assert.deepEqual((await inspectPodAdmission(cluster, wanted, "v1.35.1")).problems, problems);
    });
  }
});
