import { get } from "node:https";

/** HTTP status of an answer. Nothing verifies the certificate here: the answer is what is looked at. */
export function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers, rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    request.once("error", reject);
  });
}
