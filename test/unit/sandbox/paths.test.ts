import assert from "node:assert/strict";
import { homedir } from "node:os";
import { cacheDir } from "../../../sandbox/paths";

describe("cacheDir", () => {
  const cases: Record<string, [NodeJS.ProcessEnv, string]> = {
    "in the home folder by default": [{}, `${homedir()}/.cache/authentik-outpost-shm`],
    "under XDG_CACHE_HOME": [{ XDG_CACHE_HOME: "/xdg" }, "/xdg/authentik-outpost-shm"],
    "not under a relative XDG_CACHE_HOME": [{ XDG_CACHE_HOME: "xdg" }, `${homedir()}/.cache/authentik-outpost-shm`],
    "where AUTHENTIK_OUTPOST_SHM_CACHE says": [{ AUTHENTIK_OUTPOST_SHM_CACHE: "/own", XDG_CACHE_HOME: "/xdg" }, "/own"],
  };
  for (const [what, [env, expected]] of Object.entries(cases)) it(what, () => assert.equal(cacheDir(env), expected));
});
