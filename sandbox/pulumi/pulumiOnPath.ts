// Finds a Pulumi CLI that the user already has, which saves building one.
import { execFileSync } from "node:child_process";
import { version as installedSdk } from "@pulumi/pulumi/package.json";
import { findExecutable } from "../processes";

/** The `pulumi` on PATH; undefined if there is none. `reason` says why an existing one can't be used. */
export type PulumiOnPath = { path: string; version: string; reason?: string } | undefined;

/** Finds the first `pulumi` on PATH, and checks it against this clone's SDK: the Automation API refuses an older CLI. */
export function pulumiOnPath(sdkVersion = installedSdk): PulumiOnPath {
  const path = findExecutable("pulumi");
  if (!path) return undefined;
  const version = cliVersion(path);
  if (version === undefined) return { path, version: "unknown", reason: "it does not tell its version" };
  // The patch level does not matter: a CLI speaks the protocol of all SDKs of its minor release.
  const [[major, minor], [neededMajor, neededMinor]] = [version, sdkVersion].map((one) => one.split(".").map(Number));
  const isOlder = major < neededMajor || (major === neededMajor && minor < neededMinor);
  return { path, version, reason: isOlder ? `the SDK needs ${neededMajor}.${neededMinor} or later` : undefined };
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
    return /^v(\d+\.\d+\.\S+)$/.exec(output.trim())?.[1];
  } catch {
    return undefined;
  }
}
