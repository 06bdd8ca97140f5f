// The kubeconfig files of a sandbox.
import { readFileSync } from "node:fs";
import { stringify } from "yaml";
import { writeSecret } from "./credentials";

/** Name of their only context. */
export const CONTEXT = "sandbox";

export interface KubeconfigOptions {
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
