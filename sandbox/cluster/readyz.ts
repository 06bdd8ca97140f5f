// Asks an API server whether it is ready, before there is a kubeconfig.
import { readFileSync } from "node:fs";
import { request } from "node:https";

/** Longest wait for an answer, in milliseconds. */
const TIMEOUT_MS = 5_000;

/**
 * Returns true if the API server reports that it is ready, otherwise undefined. Rejects if it does not answer, or if its
 * certificate is not signed by the CA.
 */
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
