// The places that the sandbox writes to: its cache, shared by all clones of this machine's user, and .sandbox/ in the clone.
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Root of this clone. */
export const repositoryRoot = resolve(__dirname, "..");

/**
 * Returns the only folder outside the clone that holds anything of ours, the built toolchain:
 * $AUTHENTIK_OUTPOST_SHM_CACHE, else $XDG_CACHE_HOME/authentik-outpost-shm, else ~/.cache/authentik-outpost-shm.
 * A relative $XDG_CACHE_HOME is ignored, as the XDG base directory specification asks.
 */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env.AUTHENTIK_OUTPOST_SHM_CACHE) return resolve(env.AUTHENTIK_OUTPOST_SHM_CACHE);
  const xdg = env.XDG_CACHE_HOME?.startsWith("/") ? env.XDG_CACHE_HOME : join(homedir(), ".cache");
  return join(xdg, "authentik-outpost-shm");
}

/** Returns the folder in the clone, ignored by git, under which sandboxes and tests keep their state. */
export function stateRoot(): string {
  return join(repositoryRoot, ".sandbox");
}
