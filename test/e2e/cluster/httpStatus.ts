import { get } from "node:https";

/** Returns the HTTP status of an answer. Nothing verifies the certificate, since only the answer matters here. */
export function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers, rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    request.once("error", reject);
  });
}
