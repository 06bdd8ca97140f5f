import assert from "node:assert/strict";
import { commonSelector, type Labels } from "../../../../components/admission/podSelector";

describe("the label selector of several Deployments' pods", () => {
  const cases: [what: string, selectors: Labels[], expected: ReturnType<typeof commonSelector>][] = [
    ["is that of the only one", [{ b: "2", a: "1" }], { matchLabels: { a: "1", b: "2" } }],
    [
      "has what is the same, and lists what differs",
      [
        { type: "proxy", name: "two", uuid: "u" },
        { type: "proxy", name: "one" },
        { type: "proxy", name: "two" },
      ],
      {
        matchLabels: { type: "proxy" },
        matchExpressions: [{ key: "name", operator: "In", values: ["one", "two"] }],
      },
    ],
    [
      "lists only what differs, if nothing is the same",
      [{ app: "a" }, { app: "b" }],
      { matchExpressions: [{ key: "app", operator: "In", values: ["a", "b"] }] },
    ],
    ["is none if they have no label in common", [{ app: "a" }, { name: "a" }], undefined],
  ];
  for (const [what, selectors, expected] of cases)
    it(what, () => assert.deepEqual(commonSelector(selectors), expected));
});
