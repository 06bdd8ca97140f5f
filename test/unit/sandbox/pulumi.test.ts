// The Pulumi that this machine gets, with a CLI, a download and a Go of our own making.
import assert from "node:assert/strict";
import { existsSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { version as sdk } from "@pulumi/pulumi/package.json";
import { openPulumi } from "../../../sandbox/pulumi";
import { readModule } from "../../../sandbox/toolchain/modules";
import { useFakePath, WORKING_GO, writeProgram } from "./fakePath";

describe("Pulumi", () => {
  const { inDir, onPath } = useFakePath();
  /** A CLI that does `install` on `plugin install resource NAME VERSION`. */
  const cli = (install: string, version = `v${sdk}`) =>
    `[ "$1" = version ] && { echo ${version}; exit; }\nname=$4 version=$5\n${install}`;
  const installs = 'mkdir -p "$PULUMI_HOME/plugins/resource-$name-v$version"';

  /** Opens Pulumi. Returns it with everything that was announced. */
  async function open() {
    const said: string[] = [];
    const step = (title: string) => ({
      done: (note = "") => void said.push(`${title}: ${note}`),
      fail: (note = "") => void said.push(`${title} failed: ${note}`),
    });
    const pulumi = await openPulumi({ step, say: (line: string) => void said.push(line) });
    return { pulumi, said };
  }
  const installing = "installing Pulumi plugins command 1.2.1, kubernetes 4.34.2";
  const home = () => inDir("cache", "pulumi");

  it("is the official one wherever it can be had, downloaded once, with nothing built", async () => {
    const path = onPath("pulumi", cli(installs));
    const using = `using the pulumi on PATH: ${path} (${sdk})`;
    const { pulumi, said } = await open();
    assert.equal(pulumi.cli, path);
    assert.deepEqual(pulumi.env, { PULUMI_HOME: home(), PULUMI_IGNORE_AMBIENT_PLUGINS: "true" });
    assert.deepEqual(said, [using, `${installing}: `]);
    onPath("pulumi", cli("exit 1"));
    assert.deepEqual((await open()).said, [using]);
    assert.ok(!existsSync(inDir("cache", "toolchain")));
    assert.ok(statSync(join(home(), "logs")).isFile(), "the CLI writes no logs");
  });

  it("is the CLI that was downloaded before, rather than one on PATH that is too old", async () => {
    const old = onPath("pulumi", cli(installs, "v3.10.0"));
    const path = writeProgram(inDir("cache", "pulumi-cli", "bin", "pulumi"), cli(installs));
    const { pulumi, said } = await open();
    assert.equal(pulumi.cli, path);
    const [major, minor] = sdk.split(".");
    const reason = `the SDK needs ${major}.${minor} or later`;
    assert.deepEqual(said, [`not using the pulumi on PATH, ${old} (3.10.0): ${reason}`, `${installing}: `]);
  });

  it("takes the provider built from source and the Command stand-in after the first refusal of a download", async () => {
    onPath("go", WORKING_GO);
    const refusal = "dial tcp: lookup get.pulumi.com: no such host";
    // This would go on for a minute, as the CLI's retries go on for seconds.
    const path = onPath(
      "pulumi",
      cli(
        `echo 'warning: Error downloading plugin: Get "https://get.pulumi.com/x.tar.gz": ${refusal}' >&2; exec sleep 60`,
      ),
    );
    const started = Date.now();
    const { pulumi, said } = await open();
    assert.ok(Date.now() - started < 20_000);
    assert.equal(pulumi.cli, path);
    assert.ok(existsSync(join(pulumi.env.PULUMI_HOME, "plugins/resource-command-v1.2.1/pulumi-resource-command")));
    const plugin = join(pulumi.env.PULUMI_HOME, "plugins/resource-kubernetes-v4.34.2/pulumi-resource-kubernetes");
    const module = readModule("pulumi-kubernetes");
    assert.equal(readlinkSync(plugin), inDir("cache/toolchain", module.key, "pulumi-resource-kubernetes"));
    assert.notEqual(pulumi.env.PULUMI_HOME, home());
    assert.ok(statSync(join(pulumi.env.PULUMI_HOME, "logs")).isFile(), "the CLI writes no logs");
    assert.deepEqual(said.slice(1), [
      `${installing} failed: not available`,
      `Pulumi's downloads are out of reach here (${refusal}). Its Kubernetes provider is built from its Go module instead; ` +
        "a stand-in takes the Command provider's place.",
      "Building pulumi-resource-kubernetes once, 4 to 7 minutes on two cores.",
      `building pulumi-resource-kubernetes ${module.versionOf("github.com/pulumi/pulumi-kubernetes/provider/v4")}: `,
    ]);
  });

  it("does so when a download fails in any other way", async () => {
    onPath("go", WORKING_GO);
    onPath("pulumi", cli("echo first >&2; echo 'error: disk full' >&2; exit 1"));
    const [, failed, reason = ""] = (await open()).said;
    assert.equal(failed, `${installing} failed: not available`);
    assert.match(reason, /^Pulumi's downloads are out of reach here \(error: disk full\)\. /);
  });

  it("names plugins on PATH, which it does not use", async () => {
    onPath("pulumi", cli(installs));
    const plugin = onPath("pulumi-resource-kubernetes", "exit 1");
    assert.equal(
      (await open()).said[0],
      `not using the plugin on PATH, ${plugin}: the program needs kubernetes 4.34.2`,
    );
  });
});
