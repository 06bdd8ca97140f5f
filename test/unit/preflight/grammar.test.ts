import assert from "node:assert/strict";
import type { Cluster } from "../../../kubernetes/cluster";
import { inspectGrammar } from "../../../preflight/grammar";
import { resolveSettings } from "../../../settings/resolve";

/** Returns the problems with these settings on an API server that refuses everything, and the kinds it was asked about. */
async function look(raw: Record<string, unknown>, reason?: string) {
  const asked: (string | undefined)[] = [];
  const refusal: Cluster["refusal"] = ({ kind }) => {
    asked.push(kind);
    return Promise.resolve(reason);
  };
  const settings = resolveSettings({ namespace: "authentik", outposts: ["one"], ...raw });
  return { ...(await inspectGrammar({ refusal }, settings)), asked };
}

describe("values whose grammar is Kubernetes' own", () => {
  const all = {
    ...{ solution: "both", timeZone: "Europa/Berlin", cronJobPodLabels: "a=b", cronJobPodAnnotations: "a=b" },
    ...{ monitoring: true, monitoringLabels: "a/b/c=d" },
  };

  it("are refused in the API server's words", async () => {
    assert.deepEqual(await look(all, "it is invalid"), {
      problems: [
        "schedule: the API server would not take it: it is invalid",
        "timeZone: the API server would not take it: it is invalid",
        "cronJobPodLabels: the API server would not take it: it is invalid",
        "cronJobPodAnnotations: the API server would not take it: it is invalid",
        "monitoringLabels: the API server would not take it: it is invalid",
      ],
      warnings: [],
      asked: [...Array.from({ length: 4 }, () => "CronJob"), "ConfigMap"],
    });
  });

  it("pass if it has nothing against them", async () => {
    assert.deepEqual((await look(all)).problems, []);
  });

  it("are asked about only if an object of ours will have them", async () => {
    for (const raw of [
      { ...all, solution: "sidecar", monitoring: false },
      { solution: "none", monitoring: true },
    ]) {
      assert.deepEqual((await look(raw, "it is invalid")).asked, []);
    }
  });
});
