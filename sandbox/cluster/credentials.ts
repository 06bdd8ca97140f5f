// Who may talk to a sandbox's API server, and how each proves it: a random bearer token a user, in files only their owner reads.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Name of a sandbox's one node. */
export const SANDBOX_NODE = "sandbox-node";

/** Users of the control plane and of its node. The names of the components' users are those that Kubernetes' built-in RBAC roles are bound to. */
const USERS = {
  admin: { name: "admin", group: "system:masters" },
  controllerManager: { name: "system:kube-controller-manager", group: "" },
  scheduler: { name: "system:kube-scheduler", group: "" },
  kubelet: { name: `system:node:${SANDBOX_NODE}`, group: "system:nodes" },
  proxy: { name: "system:kube-proxy", group: "" },
} as const;

export type User = keyof typeof USERS;

export interface Credentials {
  tokens: Record<User, string>;
  /** For kube-apiserver's --token-auth-file. */
  tokenFile: string;
  /** Private key that signs, and whose public half verifies, the tokens of ServiceAccounts. */
  serviceAccountKey: string;
  /** Where kube-apiserver puts the certificate and key it signs for itself. */
  certificateDir: string;
  /** That certificate with the CA that signed it: what a client verifies the server by. Exists once kube-apiserver runs. */
  caFile: string;
}

/** Makes fresh credentials in `dir`, which becomes readable to its owner only. */
export function createCredentials(dir: string): Credentials {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  const tokens = Object.fromEntries(Object.keys(USERS).map((user) => [user, randomBytes(32).toString("hex")]));
  const credentials: Credentials = {
    tokens: tokens as Record<User, string>,
    tokenFile: join(dir, "tokens.csv"),
    serviceAccountKey: join(dir, "service-account.key"),
    certificateDir: dir,
    caFile: join(dir, "apiserver.crt"), // kube-apiserver's own name for it
  };
  writeSecret(credentials.tokenFile, tokenTable(credentials.tokens));
  writeSecret(credentials.serviceAccountKey, rsaPrivateKey());
  return credentials;
}

/** Writes a file that only its owner can read. */
export function writeSecret(file: string, content: string): void {
  writeFileSync(file, content, { mode: 0o600 });
}

/** Lines of token, user name, user id and groups. */
function tokenTable(tokens: Record<User, string>): string {
  const lines = Object.entries(USERS).map(([user, { name, group }]) => {
    const row = [tokens[user as User], name, name];
    return (group ? [...row, `"${group}"`] : row).join(",");
  });
  return `${lines.join("\n")}\n`;
}

function rsaPrivateKey(): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
