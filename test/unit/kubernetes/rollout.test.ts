import assert from "node:assert/strict";
import { isGivenUp, refusedPods, unfinishedRollout } from "../../../kubernetes/rollout";
import type { Deployment } from "../../../kubernetes/types";

type Status = NonNullable<Deployment["status"]>;
const refusal = 'pods "ak-outpost-main-5d9c7b8f4-x2x7k" is forbidden: exceeded quota: pods';
const replicaFailure = { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: refusal };
const noReplicaSet = { type: "Progressing", status: "False", reason: "ReplicaSetCreateError", message: "quota" };
const givenUp = { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" };
const done: Status = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };

const deployment = (status: Status, paused?: true): Deployment =>
  ({ metadata: { generation: 2 }, spec: { replicas: 2, paused }, status: { ...done, ...status } }) as Deployment;

describe("the state of a rollout", () => {
  const cases: Record<string, [Status, string | undefined, string | undefined]> = {
    over: [{}, undefined, undefined],
    // A condition of a former failure stays until the ReplicaSet is looked at again.
    "over, with a condition that stayed": [{ conditions: [replicaFailure] }, undefined, refusal],
    "not begun": [{ observedGeneration: 1 }, "the rollout has not begun", undefined],
    "not begun, with a condition of the former template": [
      { observedGeneration: 1, conditions: [replicaFailure] },
      "the rollout has not begun",
      undefined,
    ],
    "without a ReplicaSet": [
      { observedGeneration: 1, conditions: [noReplicaSet] },
      "the rollout has not begun; Kubernetes refuses new pods: quota",
      "quota",
    ],
    refused: [
      { updatedReplicas: 1, conditions: [replicaFailure, givenUp] },
      `1 of 2 pods updated; Kubernetes refuses new pods: ${refusal}`,
      refusal,
    ],
    "with an old pod left": [{ replicas: 3 }, "old pods on their way out: 1", undefined],
    "not available": [{ availableReplicas: 1 }, "1 of 2 pods available", undefined],
  };
  for (const [what, [status, unfinished, refused]] of Object.entries(cases)) {
    it(`is told: ${what}`, () => {
      assert.deepEqual([unfinishedRollout(deployment(status)), refusedPods(deployment(status))], [unfinished, refused]);
    });
  }

  it("is told to be paused where pods are yet to be replaced", () => {
    const paused: [Status, string | undefined][] = [
      [{}, undefined],
      [{ observedGeneration: 1 }, "the rollout has not begun"],
      [{ updatedReplicas: 0 }, "0 of 2 pods updated; it is paused (kubectl rollout resume)"],
      [{ replicas: 3 }, "old pods on their way out: 1; it is paused (kubectl rollout resume)"],
      // A pause keeps no new pod from becoming available.
      [{ availableReplicas: 1 }, "1 of 2 pods available"],
    ];
    for (const [status, unfinished] of paused) assert.equal(unfinishedRollout(deployment(status, true)), unfinished);
  });

  it("is given up only by the present template's own deadline", () => {
    assert.equal(isGivenUp(deployment({ conditions: [givenUp] })), true);
    assert.equal(isGivenUp(deployment({ observedGeneration: 1, conditions: [givenUp] })), false);
    assert.equal(isGivenUp(deployment({ conditions: [noReplicaSet] })), false);
  });
});
