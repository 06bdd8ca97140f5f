// The engine around the stand-ins: what a program gets as config, what is stored where, how plugins are looked for.
import assert from "node:assert/strict";
import { chmodSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { UpdateFailed } from "../../sandbox/engine";
import { repositoryRoot } from "../../sandbox/paths";
import { openPlugins } from "../../sandbox/plugins";
import { createStateFolder } from "../../sandbox/stateFolder";
import { failure, openHarness, values, type Harness } from "./harness";

describe("engine", () => {
  let harness: Harness;
  before(async () => (harness = await openHarness()));
  after(() => harness?.close());

  const outposts = ["public", { name: "staff", solution: "cronjob", nativeSidecar: false, highWatermark: 90 }];
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

describe("plugins", () => {
  let dir: string;
  beforeEach(() => (dir = createStateFolder("test-plugins")));
  afterEach(() => rmSync(dir, { recursive: true }));

  /** A CLI that does `script` on `plugin install resource NAME VERSION`, and what was announced with it. */
  async function open(script: string) {
    const pulumi = join(dir, "pulumi");
    writeFileSync(pulumi, `#!/bin/sh\nname=$4 version=$5\n${script}\n`);
    chmodSync(pulumi, 0o755);
    const said: string[] = [];
    const step = (title: string) => ({
      done: (note = "") => void said.push(`${title}: ${note}`),
      fail: (note = "") => void said.push(`${title} failed: ${note}`),
    });
    const progress = { step, say: (line: string) => void said.push(line) };
    const plugins = await openPlugins({ pulumi, pulumiHome: join(dir, "home"), kubeconfig: "none", progress });
    await plugins.stop();
    return { plugins, said };
  }
  const installing = "installing Pulumi plugins kubernetes 4.34.2, command 1.2.1";

  it("are the official ones where they can be installed, and are installed once", async () => {
    const { plugins, said } = await open('mkdir -p "$PULUMI_HOME/plugins/resource-$name-v$version"');
    assert.equal(plugins.kind, "official");
    assert.deepEqual(plugins.env, { PULUMI_HOME: join(dir, "home") });
    assert.deepEqual(said, [`${installing}: `]);
    assert.deepEqual((await open("exit 1")).said, []);
  });

  it("are stand-ins after the first refusal of an unreachable site, which is announced", async () => {
    const refusal = "dial tcp: lookup get.pulumi.com: no such host";
    const started = Date.now();
    // Would go on for a minute, as the CLI's retries go on for seconds.
    const script = `echo 'warning: Error downloading plugin: Get "https://get.pulumi.com/x.tar.gz": ${refusal}' >&2; exec sleep 60`;
    const { plugins, said } = await open(script);
    assert.ok(Date.now() - started < 10_000);
    assert.equal(plugins.kind, "stand-in");
    assert.equal(plugins.kind === "stand-in" && plugins.reason, refusal);
    assert.match(plugins.env.PULUMI_DEBUG_PROVIDERS, /^kubernetes:\d+,command:\d+$/);
    assert.deepEqual(said, [
      `${installing}: not available: ${refusal}`,
      `The official plugins of Pulumi's Kubernetes and Command providers can't be installed here (${refusal}). ` +
        "The sandbox's stand-ins take their place: they talk to the real API server, but do not wait for rollouts.",
    ]);
  });

  it("are stand-ins when the installation fails in any other way", async () => {
    const { plugins } = await open("echo first >&2; echo 'error: disk full' >&2; exit 1");
    assert.equal(plugins.kind === "stand-in" && plugins.reason, "error: disk full");
  });
});
