// Users of a sandbox's API server and their credentials: a random bearer token each, in files that only their owner reads, and
// kubeconfigs with them.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";

/** Name of a sandbox's one node. */
export const SANDBOX_NODE = "sandbox-node";

/** Addresses of the cluster's services, and of the DNS service it would have. */
export const SERVICES = { network: "10.99.0.0/24", dns: "10.99.0.10" };

/** Users of the control plane and of its node. Kubernetes' built-in RBAC roles are bound to the names of the components. */
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
  /** File for kube-apiserver's --token-auth-file. */
  tokenFile: string;
  /** Private key that signs the tokens of ServiceAccounts. Its public half verifies them. */
  serviceAccountKey: string;
  /** Folder for the certificate and key that kube-apiserver signs for itself. */
  certificateDir: string;
  /** That certificate with its CA, by which clients verify the server. Exists once kube-apiserver runs. */
  caFile: string;
}

/** Creates new credentials in `dir`, which only its owner can read then. */
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
function writeSecret(file: string, content: string): void {
  writeFileSync(file, content, { mode: 0o600 });
}

/** Formats lines of token, user name, user id and groups. */
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

/** Name of the only context in a sandbox's kubeconfigs. */
export const CONTEXT = "sandbox";

interface KubeconfigOptions {
  /** URL of the API server. */
  server: string;
  /** PEM file of the CA that signed its certificate. It is embedded, so that the kubeconfig works wherever it is copied. */
  caFile: string;
  token: string;
}

/** Writes a kubeconfig with the context `sandbox`, which only its owner can read. */
export function writeKubeconfig(file: string, { server, caFile, token }: KubeconfigOptions): void {
  const ca = readFileSync(caFile).toString("base64");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: CONTEXT, cluster: { server, "certificate-authority-data": ca } }],
    users: [{ name: CONTEXT, user: { token } }],
    contexts: [{ name: CONTEXT, context: { cluster: CONTEXT, user: CONTEXT } }],
    "current-context": CONTEXT,
  };
  writeSecret(file, stringify(config));
}
