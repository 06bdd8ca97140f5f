// Asking an API server whether it is ready, before there is a kubeconfig to ask with.
import { readFileSync } from "node:fs";
import { request } from "node:https";

/** How long one question may take, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** True if the API server says that it is ready, undefined if it says it is not. Rejects where it does not answer or its certificate is not signed by the CA. */
export async function readyz(server: string, token: string, caFile: string): Promise<true | undefined> {
  const ca = readFileSync(caFile);
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const question = request(`${server}/readyz`, { ca, headers, agent: false, timeout: TIMEOUT_MS }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode === 200 ? true : undefined));
    });
    question.once("timeout", () => question.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)));
    question.once("error", reject);
    question.end();
  });
}
