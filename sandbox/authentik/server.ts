// The stand-in's HTTP server, on loopback only.
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { answer, type Backend } from "./api";
import type { Misbehaviour } from "./misbehaviour";

/** A request that was answered. It has no headers, since one of them holds the token. */
export interface ServedRequest {
  method: string;
  /** Path with its query. */
  path: string;
  status: number;
}

export interface ServerOptions {
  backend: Backend;
  misbehaviour: Misbehaviour;
  /** PEM of the key and certificate for TLS; plain HTTP by default. */
  tls?: { key: string; cert: string };
  /** List to which every answered request is added. */
  served: ServedRequest[];
}

export interface RunningServer {
  /** URL with a trailing slash. */
  readonly url: string;
  close(): Promise<void>;
}

export async function serve(options: ServerOptions): Promise<RunningServer> {
  const listener: RequestListener = (request, response) => {
    handle(request, response, options).catch(() => response.destroy());
  };
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `${options.tls ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

async function handle(
  incoming: IncomingMessage,
  response: ServerResponse,
  { backend, misbehaviour, served }: ServerOptions,
): Promise<void> {
  const { method = "", url: path = "", headers } = incoming;
  const { pathname, searchParams: query } = new URL(path, "http://localhost");
  const { authorization } = headers;
  const request = { method, path: pathname, query, authorization, body: await text(incoming) };
  const { status, body } = misbehaviour.meet(request) ?? answer(request, backend);
  // Recorded before the answer is sent, so that anyone who has the answer finds the record.
  served.push({ method, path, status });
  const isPage = typeof body === "string";
  const contentType = isPage ? "text/html; charset=utf-8" : "application/json";
  response.writeHead(status, { "content-type": contentType, "x-powered-by": "authentik" });
  response.end(isPage ? body : JSON.stringify(body));
}
