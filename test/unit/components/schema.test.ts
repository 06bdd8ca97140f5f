// The public API, as Pulumi infers it from the types for programs of every language. Whatever goes from schema.json, or becomes
// required there, breaks somebody's program. A change that is meant is a line of CHANGELOG.md, and is written to schema.json by
// UPDATE_SCHEMA=1 npx mocha test/unit/components/schema.test.ts
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ComponentProvider, getPulumiComponents } from "@pulumi/pulumi/provider/experimental/provider";
import * as api from "../../../components/index";
import { name } from "../../../package.json";
import { repositoryRoot } from "../../../sandbox/paths";

const pinned = join(__dirname, "schema.json");

describe("the public API", () => {
  it("is the one of schema.json", async function () {
    this.timeout(60_000);
    const provider = new ComponentProvider({ name, dirname: repositoryRoot, components: getPulumiComponents(api) });
    const { resources, types } = JSON.parse(await provider.getSchema(), withoutTexts) as Record<string, unknown>;
    const schema = { resources, types };
    if (process.env.UPDATE_SCHEMA) writeFileSync(pinned, lineByProperty(schema));
    assert.deepEqual(schema, JSON.parse(readFileSync(pinned, "utf8")));
  });
});

/** Leaves out the descriptions, which may change at any time. */
const withoutTexts = (key: string, value: unknown): unknown =>
  key === "description" && typeof value === "string" ? undefined : value;

/** Formats it with a property a line, so that a change of the API is a changed line. */
const lineByProperty = (schema: object): string =>
  `${JSON.stringify(schema, null, 2).replace(/\{\n([^{}]*)\}/g, (_, inner: string) => `{ ${inner.trim().replace(/\s+/g, " ")} }`)}\n`;
