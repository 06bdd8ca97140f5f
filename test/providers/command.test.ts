// Commands through the Command stand-in.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { changes, failure, openHarness, values, type Harness } from "./harness";

describe("Command stand-in", () => {
  let harness: Harness;
  let dir: string;
  before(async () => {
    harness = await openHarness();
    dir = join(harness.stateDir, "commands");
    mkdirSync(dir);
  });
  after(() => harness?.close());

  it("runs a command on create with environment, input and folder, and another on delete", async () => {
    const stack = await harness.stack(() => {
      const command = new local.Command("command", {
        create: 'read -r line; echo "$GREETING $line" | tee created; echo aside >&2',
        delete: 'mv created deleted; echo "$PULUMI_COMMAND_STDOUT" > said',
        environment: { GREETING: "hello" },
        stdin: "world\n",
        dir,
      });
      return { stdout: command.stdout, stderr: command.stderr };
    });
    assert.deepEqual(changes(await stack.preview()), ["create command"]);
    assert.ok(!existsSync(join(dir, "created")));

    const up = await stack.up();
    assert.deepEqual(values(up.outputs), { stdout: "hello world", stderr: "aside" });
    assert.equal(readFileSync(join(dir, "created"), "utf8"), "hello world\n");
    const said = up.diagnostics.filter(({ severity }) => severity === "info").map(({ message }) => message);
    assert.deepEqual(said, ["hello world\naside"]);
    assert.deepEqual((await stack.up({ refresh: true })).changeSummary, { same: 2 });

    await stack.destroy();
    assert.equal(readFileSync(join(dir, "deleted"), "utf8"), "hello world\n");
    assert.equal(readFileSync(join(dir, "said"), "utf8"), "hello world\n");
  });

  it("runs again when a trigger changes, and the update command when anything else does", async () => {
    let [trigger, environment] = ["one", { A: "1" }];
    const log = join(dir, "log");
    const stack = await harness.stack(() => {
      const record = (what: string) => `echo "${what} $A" >> ${log}`;
      new local.Command("command", {
        create: record("create"),
        update: record("update"),
        triggers: [trigger],
        environment,
      });
    });
    await stack.up();
    environment = { A: "2" };
    assert.deepEqual(changes(await stack.up()), ["update command: environment"]);
    trigger = "two";
    assert.deepEqual(changes(await stack.up()), [
      "create-replacement command: triggers",
      "replace command: triggers",
      "delete-replaced command",
    ]);
    assert.equal(readFileSync(log, "utf8"), "create 1\nupdate 2\ncreate 2\n");
    await stack.destroy();
  });

  it("fails with the command and what it printed, and tries again on the next update", async () => {
    const marker = join(dir, "mended");
    const create = `test -e ${marker} || { echo no marker; exit 3; }`;
    const stack = await harness.stack(() => {
      new local.Command("check", { create });
    });
    const expected = new RegExp(
      `exit status 3: running ${JSON.stringify(create).replaceAll(/[|{}.]/g, "\\$&")}:\\nno marker`,
    );
    assert.match(await failure(stack.up()), expected);
    assert.match(await failure(stack.up()), expected);
    writeFileSync(marker, "");
    assert.deepEqual(changes(await stack.up()), ["create check"]);
    rmSync(marker);
    await stack.destroy();
  });

  it("keeps the output of a command that was given a secret as one", async () => {
    const stack = await harness.stack(() => {
      const environment = { TOKEN: pulumi.secret("hush-hush") };
      return { stdout: new local.Command("secretive", { create: "echo $TOKEN", environment }).stdout };
    });
    const up = await stack.up();
    assert.deepEqual(up.outputs.stdout, { value: "[secret]", secret: true });
    assert.deepEqual(up.diagnostics, []);
    const state = join(harness.stateDir, "backend/.pulumi/stacks/authentik-outpost-shm", `${stack.name}.json`);
    assert.ok(!readFileSync(state, "utf8").includes("hush-hush"));
    await stack.destroy();
  });
});
