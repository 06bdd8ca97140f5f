import assert from "node:assert/strict";
import { selectorOf, selects } from "../../../kubernetes/podsOfDeployment";
import type { Deployment } from "../../../kubernetes/types";

const deployment = (selector: object) => ({ spec: { selector } }) as Deployment;

describe("a Deployment's selector", () => {
  const both = deployment({
    matchLabels: { app: "proxy", "app.kubernetes.io/instance": "a" },
    matchExpressions: [
      { key: "tier", operator: "In", values: ["x", "y"] },
      { key: "zone", operator: "NotIn", values: ["z"] },
      { key: "here", operator: "Exists" },
      { key: "gone", operator: "DoesNotExist" },
    ],
  });
  const labels = { app: "proxy", "app.kubernetes.io/instance": "a", tier: "y", here: "" };

  it("is written as kubectl takes it", () => {
    assert.equal(selectorOf(both), "app=proxy,app.kubernetes.io/instance=a,tier in (x,y),zone notin (z),here,!gone");
  });

  it("selects pods with all that it requires, whatever else they have", () => {
    assert.ok(selects(both, { ...labels, more: "labels" }));
  });

  const unfit: Record<string, Record<string, string>> = {
    "another value": { ...labels, app: "other" },
    "a value out of those listed": { ...labels, tier: "z" },
    "a value that is excluded": { ...labels, zone: "z" },
    "a label that must not be there": { ...labels, gone: "" },
    "no labels": {},
  };
  for (const [what, given] of Object.entries(unfit)) {
    it(`does not select a pod with ${what}`, () => assert.ok(!selects(both, given)));
  }

  it("selects nothing if it requires nothing", () => assert.ok(!selects(deployment({}), labels)));
});
