import assert from "node:assert/strict";
import { inspect } from "node:util";
import { withoutStack } from "../../../components/withoutStack";

describe("withoutStack", () => {
  it("keeps the error and its message, and leaves Pulumi's SDK no stack to format", () => {
    const error = new RangeError("no such outpost");
    error.stack = "RangeError: no such outpost\n    at Stack.initialize (/app/node_modules/@pulumi/resource.ts:78:28)";
    assert.equal(withoutStack(error), error);
    assert.equal(error.message, "no such outpost");
    // The SDK looks at the stack first. If it is empty, the SDK uses the message.
    assert.equal(error.stack, "");
    assert.equal(inspect(error, { colors: true }).includes("node_modules"), false);
  });
});
