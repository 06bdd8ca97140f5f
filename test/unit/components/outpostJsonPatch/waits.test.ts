import assert from "node:assert/strict";
import type { OutpostDeployment } from "../../../../components/outpostJsonPatch/outpostDeployment";
import { untilRolledOut } from "../../../../components/outpostJsonPatch/waits";
import type { Deployment } from "../../../../kubernetes/types";

const rolledOut: Deployment = {
  metadata: { generation: 1 },
  spec: { replicas: 0, selector: {}, template: {} },
  status: { observedGeneration: 1 },
};
const noAnswer = new Error("No answer from the Kubernetes API", { cause: { code: "ECONNREFUSED" } });
const unavailable = new Error("Kubernetes refused: HTTP 503", { cause: { code: 503 } });
const forbidden = new Error("Kubernetes refused: HTTP 403", { cause: { code: 403 } });

describe("the wait for a rollout", () => {
  /** Waits while the API server answers so, one look after the other. Resolves with what was said meanwhile. */
  const wait = async (rolloutMs: number, ...answers: (Error | Deployment)[]) => {
    const said: string[] = [];
    const read = () => {
      const answer = answers.shift()!;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    };
    const pods = () => Promise.resolve([]);
    const deployment = { name: "ak-outpost-main", read, pods } as Partial<OutpostDeployment> as OutpostDeployment;
    await untilRolledOut(deployment, { applyMs: 0, rolloutMs, pauseMs: 1 }, (line) => said.push(line));
    return said;
  };

  it("goes on while the API server is away for a moment, and says so", async () => {
    assert.deepEqual(await wait(60_000, noAnswer, unavailable, rolledOut), [
      "waiting: No answer from the Kubernetes API",
      "waiting: Kubernetes refused: HTTP 503",
    ]);
  });

  it("ends at once where asking again can't help, and with the server's error if that is still away in the end", async () => {
    await assert.rejects(wait(60_000, forbidden, rolledOut), forbidden);
    await assert.rejects(wait(0, unavailable, rolledOut), unavailable);
  });

  it("ends at once where the Deployment is paused, and names the cure", async () => {
    const paused = {
      metadata: { name: "ak-outpost-main", namespace: "authentik", generation: 1 },
      spec: { paused: true, replicas: 1, selector: {}, template: {} },
      status: { observedGeneration: 1, replicas: 1, availableReplicas: 1 },
    };
    await assert.rejects(wait(60_000, paused, paused), {
      message: "Deployment authentik/ak-outpost-main: 0 of 1 pods updated; it is paused (kubectl rollout resume)",
    });
  });
});
