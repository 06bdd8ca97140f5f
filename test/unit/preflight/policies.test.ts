import assert from "node:assert/strict";
import { inspectPolicies } from "../../../preflight/policies";
import type { Support } from "../../../kubernetes/support";

const look = (support: Support, wanted = true) =>
  inspectPolicies({ support: () => Promise.resolve(support) }, "authentik", wanted);

describe("the look at a cluster's admission policies", () => {
  it("finds one to be had", async () => {
    assert.deepEqual(await look("usable"), { problems: [], warnings: [], execPolicy: true });
  });

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
    const api = { support: () => Promise.reject(new Error("looked")) };
    assert.deepEqual(await inspectPolicies(api, "authentik", false), { problems: [], warnings: [], execPolicy: false });
  });
});
