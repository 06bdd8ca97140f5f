import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type * as client from "@kubernetes/client-node" with { "resolution-mode": "import" };

/** The client's module, which only a dynamic import can load. */
export type ClientModule = typeof client;

/** The fields of a kubeconfig's user that kubectl reads and the client skips. */
interface SkippedFields {
  tokenFile?: string;
}

type FullUser = client.User & { skipped?: SkippedFields };

/** Extends the client's class by the fields of users that it skips. */
export function withSkippedFields({ KubeConfig, loadYaml }: ClientModule): typeof client.KubeConfig {
  return class extends KubeConfig {
    override loadFromString(text: string, options?: Partial<client.ConfigOptions>): void {
      super.loadFromString(text, options);
      const { users } = loadYaml<{ users?: { user?: SkippedFields }[] }>(text);
      this.users.forEach((user, index) => Object.assign(user, { skipped: users?.[index].user }));
      this.users.forEach((user) => readTokenFile(user));
    }

    override makePathsAbsolute(folder: string): void {
      super.makePathsAbsolute(folder);
      this.users.forEach((user) => readTokenFile(user, folder));
    }
  };
}

/** Replaces the token by that of a file, read anew for each request, since the file may be renewed meanwhile. */
function readTokenFile(user: FullUser, folder = ""): void {
  if (!user.skipped?.tokenFile) return;
  const file = resolve(folder, user.skipped.tokenFile);
  Object.defineProperty(user, "token", { get: () => readFileSync(file, "utf8").trim(), configurable: true });
}
