import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runtime } from "@pulumi/pulumi";
import { parse } from "yaml";
import { generated } from "../../../settings/generate";
import type { Settings } from "../../../settings/types";
import { readSettings } from "../../../settings/stackConfig";

interface Declaration {
  type?: string;
  default?: unknown;
  description?: string;
  secret?: boolean;
}

const ROOT = join(__dirname, "..", "..", "..");
const { config } = readYaml("Pulumi.yaml") as { config: Record<string, Declaration> };
/** Our own keys. Others, such as the provider's, have their namespace in front. */
const declared = Object.fromEntries(Object.entries(config).filter(([key]) => !key.includes(":")));

function readYaml(file: string): unknown {
  return parse(readFileSync(join(ROOT, file), "utf8"));
}

describe("what is generated from the tables of settings and of releases", () => {
  it("is current: else run `npm run generate`", async () => {
    for (const [file, text] of Object.entries(await generated())) {
      assert.equal(readFileSync(join(ROOT, file), "utf8"), text, file);
    }
  });
});

describe("Pulumi.yaml", () => {
  it("describes every key in whole sentences, without Markdown's links, and names only pages that exist", () => {
    for (const [key, { description }] of Object.entries(declared)) {
      assert.match(description ?? "", /^.{20,}\.$/s, key);
      assert.doesNotMatch(description ?? "", /\]\(/, key);
      for (const [page] of description?.matchAll(/docs\/[\w./]*\w/g) ?? [])
        assert.ok(existsSync(join(ROOT, page)), page);
    }
  });

  it("requires what has no default, and no other key: the engine would ask every stack for it", () => {
    const required = Object.entries(declared).filter(([, { default: standard }]) => standard === undefined);
    const keys = required.map(([key, { type }]) => [key, type]);
    assert.deepEqual(keys, [
      ["namespace", "string"],
      ["outposts", undefined],
    ]);
  });
});

describe("the example stack files", () => {
  const before = runtime.allConfig();
  afterEach(() => runtime.setAllConfig(before));

  /** Returns the settings of a stack file as the engine hands it over: with Pulumi.yaml's defaults, and everything as text. */
  function settingsOf(stack: string): Settings {
    const { config } = readYaml(`Pulumi.${stack}.yaml`) as { config: Record<string, unknown> };
    const defaults = Object.entries(declared).flatMap(([key, { default: standard }]) =>
      standard === undefined ? [] : [[`authentik-outpost-shm:${key}`, standard]],
    );
    const values = Object.entries({ ...(Object.fromEntries(defaults) as object), ...config });
    const asText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
    runtime.setAllConfig(Object.fromEntries(values.map(([key, value]) => [key, asText(value)])));
    return readSettings();
  }

  for (const stack of ["dev", "prod"]) {
    it(`${stack} pins its cluster's context, and holds no secret and no salt`, () => {
      const file = readYaml(`Pulumi.${stack}.yaml`) as { config: Record<string, unknown> };
      assert.deepEqual(Object.keys(file), ["config"]);
      assert.equal(file.config["kubernetes:context"], stack);
      assert.doesNotMatch(JSON.stringify(file), /secure/);
    });
  }

  it("dev: one small outpost", () => {
    const { namespace, outposts } = settingsOf("dev");
    const shown = outposts.map((it) => [it.deployment, it.solution, it.shmSize, it.sweepInterval]);
    assert.deepEqual([namespace, ...shown], ["authentik", ["ak-outpost-proxy-dev", "sidecar", "64Mi", "1m"]]);
  });

  it("prod: two outposts that differ, exact images", () => {
    const { namespace, outposts, schedule, kubectlImage } = settingsOf("prod");
    assert.deepEqual([namespace, schedule], ["authentik", "*/15 * * * *"]);
    const shown = outposts.map((it) => [it.deployment, it.solution, it.shmSize, it.highWatermark]);
    assert.deepEqual(shown, [
      ["ak-outpost-proxy-intranet", "both", "256Mi", 80],
      ["ak-outpost-proxy-public", "both", "1Gi", 70],
    ]);
    for (const image of [kubectlImage, ...outposts.map(({ cleanerImage }) => cleanerImage)]) {
      assert.match(image, /:\d+\.\d+\.\d+$|@sha256:[0-9a-f]{64}$/);
    }
  });
});
