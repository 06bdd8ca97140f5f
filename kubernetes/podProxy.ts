import { request as requestHttp } from "node:http";
import { request as requestHttps, type RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { longestText, printable } from "./printable";

/** Longest wait for the answer, in milliseconds. */
const timeoutMs = 10_000;

/**
 * Sends GET to an HTTP server in a pod, through the API server. The client's own method follows redirects, by which a pod could
 * have our credentials sent elsewhere, and takes an answer of any length.
 * @throws unless the answer is 200 and of at most a mebibyte: ApiException with any other status
 */
export async function getThroughProxy(
  kubeConfig: KubeConfig,
  { namespace, pod, port, path }: { namespace: string; pod: string; port: number; path: string },
): Promise<string> {
  const server = kubeConfig.getCurrentCluster()?.server ?? "";
  const url = new URL(`${server}/api/v1/namespaces/${namespace}/pods/${pod}:${port}/proxy/${path}`);
  const options: RequestOptions = { timeout: timeoutMs };
  await kubeConfig.applyToHTTPSOptions(options);
  const { ApiException } = await import("@kubernetes/client-node");
  return new Promise((resolve, reject) => {
    const request = url.protocol === "http:" ? requestHttp : requestHttps;
    const sent = request(url, options, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
        if (text.length > longestText) sent.destroy(failure("EMSGSIZE", "the answer is longer than 1 MiB"));
      });
      answer.once("end", () => {
        if (answer.statusCode === 200) resolve(printable(text));
        else reject(new ApiException(answer.statusCode ?? 0, "", text, {}));
      });
      answer.once("error", reject);
    });
    sent.once("timeout", () => sent.destroy(failure("ETIMEDOUT", `no answer within ${timeoutMs / 1000} s`)));
    sent.once("error", reject).end();
  });
}

/** Makes an error with a code, as the system's have one: the words of others are not shown, for they may quote a secret. */
const failure = (code: string, message: string): Error => Object.assign(new Error(message), { code });
