// The engine: the config that a program gets, and the places where things are stored.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { UpdateFailed } from "../../../sandbox/engine";
import { repositoryRoot } from "../../../sandbox/paths";
import { failure, openHarness, values, type Harness } from "./harness";

describe("engine", () => {
  let harness: Harness;
  before(async () => (harness = await openHarness()));
  after(() => harness?.close());

  const outposts = ["public", { name: "staff", solution: "cronjob", runAsUser: 2000, highWatermark: 90 }];
  function program() {
    const config = new pulumi.Config();
    return {
      outposts: config.requireObject<unknown>("outposts"),
      monitoring: config.getBoolean("monitoring") ?? "unset",
      highWatermark: config.getNumber("highWatermark"),
      token: config.get("authentikToken") ? config.getSecret("authentikToken") : "none",
      context: new pulumi.Config("kubernetes").require("context"),
    };
  }

  it("gives the program its config as a hand-written stack file does, and replaces all of it", async () => {
    const authentikToken = { value: "hush-hush", secret: true };
    const stack = await harness.stack(program, { outposts, monitoring: true, highWatermark: 85, authentikToken });
    assert.deepEqual(values((await stack.up()).outputs), {
      outposts,
      monitoring: true,
      highWatermark: 85,
      token: "[secret]",
      context: "sandbox",
    });
    const file = readFileSync(join(stack.workDir, `Pulumi.${stack.name}.yaml`), "utf8");
    assert.match(file, /^ {2}authentik-outpost-shm:authentikToken:\n {4}secure: v1:/m);
    assert.ok(!file.includes("hush-hush"));

    await stack.setConfig({ namespace: "authentik", outposts: ["public"], "kubernetes:context": "other" });
    assert.deepEqual(values((await stack.up()).outputs), {
      outposts: ["public"],
      monitoring: false,
      highWatermark: 80,
      token: "none",
      context: "other",
    });
    await stack.destroy();
  });

  it("has the engine check the config against Pulumi.yaml", async () => {
    const stack = await harness.stack(program, { highWatermark: "most" });
    assert.match(await failure(stack.preview()), /highWatermark' must be of type 'integer'/);
  });

  it("tells a program's warnings and errors, how far it came, and no debug messages", async () => {
    const stack = await harness.stack(() => {
      void pulumi.log.warn("mind the step");
      throw new pulumi.RunError("no further");
    });
    const error = await stack.preview().then(
      () => assert.fail("it should have failed"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof UpdateFailed);
    assert.equal(error.message, `preview of stack ${stack.name} failed:\nno further`);
    // The SDK reports a RunError twice.
    const said = new Set(error.report.diagnostics.map(({ severity, message }) => `${severity}: ${message}`));
    assert.deepEqual([...said].sort(), ["error: no further", "warning: mind the step"]);
  });

  it("writes nothing into the clone but below .sandbox", () => {
    assert.deepEqual(
      readdirSync(repositoryRoot).filter((name) => /^Pulumi\.test/.test(name)),
      [],
    );
  });
});
