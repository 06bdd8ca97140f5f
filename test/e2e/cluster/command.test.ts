// `local.Command`, as far as this program uses it: by the official provider if available, otherwise by its stand-in.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { EngineStack } from "../../../sandbox/engine";
import { changes, openHarness, values, type Harness } from "./harness";

describe("the Command provider", () => {
  let harness: Harness;
  let stack: EngineStack;
  let dir: string;
  let [trigger, environment] = ["one", { A: "1" }];
  before(async () => {
    harness = await openHarness();
    dir = join(harness.stateDir, "commands");
    mkdirSync(dir);
    stack = await harness.stack(() => {
      const greeting = new local.Command("greeting", {
        create: `read -r line; echo "$GREETING $line" | tee ${join(dir, "greeting")}; echo aside >&2`,
        environment: { GREETING: "hello" },
        stdin: "world\n",
      });
      new local.Command("updated", { create: `echo "$A" >> ${join(dir, "updated")}`, environment });
      new local.Command("triggered", { create: `echo again >> ${join(dir, "triggered")}`, triggers: [trigger] });
      new local.Command("last", {
        interpreter: ["/bin/sh", "-c"],
        delete: `echo deleted >> ${join(dir, "last")}`,
      });
      const secret = { TOKEN: pulumi.secret("hush-hush") };
      const secretive = new local.Command("secretive", { create: "echo $TOKEN", environment: secret });
      return { stdout: greeting.stdout, stderr: greeting.stderr, secret: secretive.stdout };
    });
  });
  after(() => harness?.close());

  const written = (name: string) => readFileSync(join(dir, name), "utf8");

  it("runs nothing in a preview", async () => {
    const names = ["greeting", "last", "secretive", "triggered", "updated"];
    assert.deepEqual(
      changes(await stack.preview()).sort(),
      names.map((name) => `create ${name}`),
    );
    assert.deepEqual(readdirSync(dir), []);
  });

  it("runs a command with environment and input, and what it prints does not last", async () => {
    const { outputs, diagnostics } = await stack.up();
    const { secret, ...others } = outputs;
    assert.deepEqual(values(others), { stdout: "hello world", stderr: "aside" });
    assert.equal(written("greeting"), "hello world\n");
    assert.deepEqual(diagnostics, []);
    // The output of a command that was given a secret is one.
    assert.deepEqual(secret, { value: "[secret]", secret: true });
    const state = join(harness.stateDir, "backend/.pulumi/stacks/authentik-outpost-shm", `${stack.name}.json`);
    assert.ok(!readFileSync(state, "utf8").includes("hush-hush"));
  });

  it("runs it again for another input, and as a new resource for another trigger, and no other", async () => {
    [trigger, environment] = ["two", { A: "2" }];
    assert.deepEqual(changes(await stack.up()).sort(), [
      "create-replacement triggered",
      "delete-replaced triggered",
      "replace triggered",
      "update updated",
    ]);
    assert.deepEqual([written("updated"), written("triggered")], ["1\n2\n", "again\nagain\n"]);
  });

  it("runs another command as the resource is deleted, and none as it is created if it has none", async () => {
    assert.ok(!readdirSync(dir).includes("last"));
    await stack.destroy();
    assert.equal(written("last"), "deleted\n");
  });
});
