import assert from "node:assert/strict";
import { commonSelector, selectorExpression } from "../../../../components/admission/podSelector";
import type { LabelSelector } from "../../../../kubernetes/labelSelector";

const labels = (matchLabels: Record<string, string>): LabelSelector => ({ matchLabels });

describe("the label selector of several Deployments' pods", () => {
  const canary = { key: "canary", operator: "DoesNotExist" };
  const cases: Record<string, [selectors: LabelSelector[], expected: LabelSelector | undefined]> = {
    "is that of the only one": [[labels({ b: "2", a: "1" })], labels({ a: "1", b: "2" })],
    "has what is the same, and lists what differs": [
      [
        labels({ type: "proxy", name: "two", uuid: "u" }),
        labels({ type: "proxy", name: "one" }),
        labels({ type: "proxy", name: "two" }),
      ],
      {
        matchLabels: { type: "proxy" },
        matchExpressions: [{ key: "name", operator: "In", values: ["one", "two"] }],
      },
    ],
    "lists only what differs, if nothing is the same": [
      [labels({ app: "a" }), labels({ app: "b" })],
      { matchExpressions: [{ key: "app", operator: "In", values: ["a", "b"] }] },
    ],
    "is none if they have no label in common": [[labels({ app: "a" }), labels({ name: "a" })], undefined],
    "lists the values of expressions too": [
      [{ matchExpressions: [{ key: "app", operator: "In", values: ["c", "a"] }] }, labels({ app: "b" })],
      { matchExpressions: [{ key: "app", operator: "In", values: ["a", "b", "c"] }] },
    ],
    "has another expression only if all have it": [
      [
        { matchExpressions: [canary, { key: "tier", operator: "NotIn", values: ["x"] }] },
        { matchExpressions: [{ key: "tier", operator: "NotIn", values: ["y"] }, canary] },
      ],
      { matchExpressions: [canary] },
    ],
  };
  for (const [what, [selectors, expected]] of Object.entries(cases))
    it(what, () => assert.deepEqual(commonSelector(selectors), expected));
});

describe("a selector as an expression", () => {
  it("has each of its requirements", () => {
    const selector = {
      matchLabels: { name: 'o"2', app: "proxy" },
      matchExpressions: [
        { key: "tier", operator: "In", values: ["x", "y"] },
        { key: "zone", operator: "NotIn", values: ["v", "w"] },
        { key: "here", operator: "Exists" },
        { key: "gone", operator: "DoesNotExist" },
      ],
    };
    assert.deepEqual(selectorExpression(selector).split(" && "), [
      '!("zone=v" in variables.labels || "zone=w" in variables.labels)',
      '!(variables.labels.exists(l, l.startsWith("gone=")))',
      '"app=proxy" in variables.labels',
      '"name=o\\"2" in variables.labels',
      '("tier=x" in variables.labels || "tier=y" in variables.labels)',
      'variables.labels.exists(l, l.startsWith("here="))',
    ]);
  });
});
