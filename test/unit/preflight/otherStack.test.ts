import assert from "node:assert/strict";
import { inspectOtherStack } from "../../../preflight/otherStack";
import { resolveSettings } from "../../../settings/resolve";
import { fakeCluster, type Answers } from "../cli/cluster";
import { managed } from "../managedFields";
import { ours } from "./scene";

const look = (answers: Answers, raw: Record<string, unknown> = {}) => {
  const settings = resolveSettings({ namespace: "authentik", outposts: ["one"], ...raw });
  return inspectOtherStack({ cluster: fakeCluster(answers), fieldManager: ours }, settings);
};
const objectOf = (...managers: string[]) => ({
  metadata: { managedFields: managers.map((manager) => managed(manager, {})) },
});
const nothing = { problems: [], warnings: [] };
const problemWith = (stack: string) => ({
  problems: [
    `namespace authentik is that of another stack of this program, ${stack}, and one stack serves one namespace. ` +
      "List the outposts of both in one of them. If this is that stack under another name, give it back its own: pulumi stack rename.",
  ],
  warnings: [],
});

describe("the look for another stack in the namespace", () => {
  it("finds the one that has applied the scripts or the CronJob, also in another project", async () => {
    assert.deepEqual(
      await look({ configMap: objectOf("authentik-outpost-shm-dev"), cronJob: undefined }),
      problemWith("dev"),
    );
    const cronJob = objectOf("kube-controller-manager", "authentik-outpost-shm-platform/prod");
    assert.deepEqual(
      await look({ configMap: undefined, cronJob }, { solution: "cronjob" }),
      problemWith("platform/prod"),
    );
  });

  it("takes this stack's own objects, and those that kubectl has applied, for no other stack's", async () => {
    assert.deepEqual(await look({ configMap: objectOf(ours), cronJob: objectOf("kubectl") }), nothing);
    assert.deepEqual(await look({ configMap: undefined, cronJob: undefined }), nothing);
  });

  it("says nothing if they may not be read, and fails if they could not be", async () => {
    const forbidden = new Error("no", { cause: { code: 403 } });
    assert.deepEqual(await look({ configMap: forbidden, cronJob: forbidden }), nothing);
    await assert.rejects(look({ configMap: new Error("no answer"), cronJob: undefined }), { message: "no answer" });
  });

  it("does not look for a stack that has nothing to create", async () => {
    assert.deepEqual(await look({}, { solution: "none" }), nothing);
  });
});
