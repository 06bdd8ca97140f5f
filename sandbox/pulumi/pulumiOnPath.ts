// Finds a Pulumi CLI that the user already has, which saves building one.
import { execFileSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { version as installedSdk } from "@pulumi/pulumi/package.json";
import { compareVersions, parseVersion } from "../toolchain/versions";

/** The `pulumi` on PATH; undefined if there is none. `reason` says why an existing one can't be used. */
export type PulumiOnPath = { path: string; version: string; reason?: string } | undefined;

/** Finds the first `pulumi` on PATH, and checks it against this clone's SDK: the Automation API refuses an older CLI. */
export function pulumiOnPath(sdkVersion = installedSdk): PulumiOnPath {
  const path = findExecutable("pulumi", process.env.PATH ?? "");
  if (!path) return undefined;
  const version = cliVersion(path);
  const parsed = version === undefined ? undefined : parseVersion(version);
  const needed = parseVersion(sdkVersion);
  if (version === undefined || !parsed || !needed)
    return { path, version: "unknown", reason: "it does not tell its version" };
  // The patch level does not matter: a CLI speaks the protocol of all SDKs of its minor release.
  const newEnough = compareVersions([parsed[0], parsed[1], 0], [needed[0], needed[1], 0]) >= 0;
  return { path, version, reason: newEnough ? undefined : `the SDK needs ${needed[0]}.${needed[1]} or later` };
}

function cliVersion(path: string): string | undefined {
  try {
    const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
    const output = execFileSync(path, ["version"], {
      encoding: "utf8",
      env,
      timeout: 30_000,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return output.trim().replace(/^v/, "");
  } catch {
    return undefined;
  }
}

/** Finds the first executable of that name in the folders of `path`. */
export function findExecutable(name: string, path: string): string | undefined {
  const candidates = path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => resolve(join(folder, name)));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return statSync(candidate).isFile();
    } catch {
      return false;
    }
  });
}
