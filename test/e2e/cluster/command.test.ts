// `local.Command`, as far as this program uses it: by the official provider if available, otherwise by its stand-in.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { changes, openHarness, values, type Harness } from "./harness";

describe("the Command provider", () => {
  let harness: Harness;
  let dir: string;
  before(async () => {
    harness = await openHarness();
    dir = join(harness.stateDir, "commands");
    mkdirSync(dir);
  });
  after(() => harness?.close());

  it("runs a command with environment and input, not in previews, and what it prints does not last", async () => {
    const created = join(dir, "created");
    const stack = await harness.stack(() => {
      const command = new local.Command("command", {
        create: `read -r line; echo "$GREETING $line" | tee ${created}; echo aside >&2`,
        environment: { GREETING: "hello" },
        stdin: "world\n",
      });
      return { stdout: command.stdout, stderr: command.stderr };
    });
    assert.deepEqual(changes(await stack.preview()), ["create command"]);
    assert.ok(!existsSync(created));
    const up = await stack.up();
    assert.deepEqual(values(up.outputs), { stdout: "hello world", stderr: "aside" });
    assert.equal(readFileSync(created, "utf8"), "hello world\n");
    assert.deepEqual(up.diagnostics, []);
    assert.deepEqual((await stack.up()).changeSummary, { same: 2 });
  });

  it("runs it again for another input, and as a new resource for another trigger", async () => {
    let [trigger, environment] = ["one", { A: "1" }];
    const log = join(dir, "log");
    const stack = await harness.stack(() => {
      new local.Command("command", { create: `echo "$A" >> ${log}`, triggers: [trigger], environment });
    });
    await stack.up();
    environment = { A: "2" };
    assert.deepEqual(changes(await stack.up()), ["update command"]);
    trigger = "two";
    assert.deepEqual(changes(await stack.up()), [
      "create-replacement command",
      "replace command",
      "delete-replaced command",
    ]);
    assert.equal(readFileSync(log, "utf8"), "1\n2\n2\n");
  });

  it("runs another command as the resource is deleted, and none as it is created if it has none", async () => {
    const log = join(dir, "deleted");
    const stack = await harness.stack(() => {
      new local.Command("last", { interpreter: ["/bin/sh", "-c"], delete: `echo deleted >> ${log}` });
    });
    await stack.up();
    assert.ok(!existsSync(log));
    await stack.destroy();
    assert.equal(readFileSync(log, "utf8"), "deleted\n");
  });

  it("keeps the output of a command that was given a secret as one", async () => {
    const stack = await harness.stack(() => {
      const environment = { TOKEN: pulumi.secret("hush-hush") };
      return { stdout: new local.Command("secretive", { create: "echo $TOKEN", environment }).stdout };
    });
    assert.deepEqual((await stack.up()).outputs.stdout, { value: "[secret]", secret: true });
    const state = join(harness.stateDir, "backend/.pulumi/stacks/authentik-outpost-shm", `${stack.name}.json`);
    assert.ok(!readFileSync(state, "utf8").includes("hush-hush"));
  });
});
