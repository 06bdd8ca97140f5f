import { readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { resolve } from "node:path";
import type * as client from "@kubernetes/client-node" with { "resolution-mode": "import" };

/** The client's module, which only a dynamic import can load. */
export type ClientModule = typeof client;

/** The fields of a kubeconfig's user that kubectl reads and the client skips. */
interface SkippedFields {
  tokenFile?: string;
  "as-groups"?: string[];
  "as-uid"?: string;
  "as-user-extra"?: Record<string, string[]>;
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

    override async applySecurityAuthentication(context: client.RequestContext): Promise<void> {
      await super.applySecurityAuthentication(context);
      impersonate(context, this.getCurrentUser());
    }

    override async applyToHTTPSOptions(options: RequestOptions): Promise<void> {
      await super.applyToHTTPSOptions(options);
      for (const [name, value] of impersonation(this.getCurrentUser())) {
        const headers = options.headers as Record<string, string[]>;
        headers[name] = [...(headers[name] ?? []), value];
      }
    }
  };
}

/** Replaces the token by that of a file, read anew for each request, since the file may be renewed meanwhile. */
function readTokenFile(user: FullUser, folder = ""): void {
  if (!user.skipped?.tokenFile) return;
  const file = resolve(folder, user.skipped.tokenFile);
  Object.defineProperty(user, "token", { get: () => readFileSync(file, "utf8").trim(), configurable: true });
}

/** Adds what belongs to the user's name, unless the request is made by another name. */
function impersonate(context: client.RequestContext, user: FullUser | null): void {
  const headers = context.getHeaders.bind(context);
  const added = impersonation(user);
  if (added.length === 0) return;
  // Only pairs can have a header more than once, and the client passes them on to node-fetch, which takes both.
  context.getHeaders = () => {
    const pairs = Object.entries(headers());
    const isOurs = headers()["Impersonate-User"] === user?.impersonateUser;
    return (isOurs ? [...pairs, ...added] : pairs) as unknown as Record<string, string>;
  };
}

/** Returns the headers of a user's impersonation other than its name, the only one that the client sends. */
function impersonation(user: FullUser | null): [name: string, value: string][] {
  const { "as-groups": groups, "as-uid": uid, "as-user-extra": extra } = user?.skipped ?? {};
  return [
    ...(groups ?? []).map((group): [string, string] => ["Impersonate-Group", group]),
    ...(uid ? [["Impersonate-Uid", uid] satisfies [string, string]] : []),
    ...Object.entries(extra ?? {}).flatMap(([key, values]) =>
      values.map((value): [string, string] => [`Impersonate-Extra-${encodeURIComponent(key)}`, value]),
    ),
  ];
}
