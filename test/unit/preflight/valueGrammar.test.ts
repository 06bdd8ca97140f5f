// test/e2e/cluster/program.test.ts has the API server refuse each of these values, in its own words.
import assert from "node:assert/strict";
import type { Cluster } from "../../../kubernetes/cluster";
import { inspectGrammar } from "../../../preflight/valueGrammar";
import { resolveSettings } from "../../../settings/resolve";

describe("values whose grammar is Kubernetes' own", () => {
  const all = {
    ...{ timeZone: "Europa/Berlin", cronJobPodLabels: "a=b", cronJobPodAnnotations: "a=b" },
    ...{ monitoringLabels: "a/b/c=d" },
  };
  const cases: [raw: Record<string, unknown>, asked: string[]][] = [
    [{ solution: "cronjob" }, ["CronJob"]],
    [{ ...all, solution: "both" }, ["CronJob", "CronJob", "CronJob", "CronJob"]],
    [{ ...all, solution: "sidecar", monitoring: true }, ["ConfigMap"]],
    [{ ...all, solution: "sidecar" }, []],
    [{ solution: "none", monitoring: true }, []],
  ];
  for (const [raw, expected] of cases) {
    it(`are asked about only if an object of ours will have them: ${JSON.stringify(raw)}`, async () => {
      const asked: (string | undefined)[] = [];
      const refusal: Cluster["refusal"] = ({ kind }) => {
        asked.push(kind);
        return Promise.resolve(undefined);
      };
      await inspectGrammar({ refusal }, resolveSettings({ namespace: "authentik", outposts: ["one"], ...raw }));
      assert.deepEqual(asked, expected);
    });
  }
});
