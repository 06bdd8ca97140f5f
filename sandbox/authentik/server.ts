// The stand-in's HTTP server, on loopback only.
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { answer } from "./api";
import type { Answer, Backend, Request } from "./messages";
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
  const port = await listen(server);
  return {
    url: `${options.tls ? "https" : "http"}://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

async function handle(
  incoming: IncomingMessage,
  response: ServerResponse,
  { backend, misbehaviour, served }: ServerOptions,
): Promise<void> {
  const { method = "", url: path = "" } = incoming;
  const request = requestOf(incoming, await text(incoming));
  const given = misbehaviour.meet(request) ?? answer(request, backend);
  // Recorded before the answer is sent, so that anyone who has the answer finds the record.
  served.push({ method, path, status: given.status });
  send(response, given);
}

function requestOf({ method = "", url = "", headers }: IncomingMessage, body: string): Request {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  return { method, path: pathname, query: searchParams, authorization: headers.authorization, body };
}

function send(response: ServerResponse, { status, body }: Answer): void {
  const isPage = typeof body === "string";
  const contentType = isPage ? "text/html; charset=utf-8" : "application/json";
  response.writeHead(status, { "content-type": contentType, "x-powered-by": "authentik" });
  response.end(isPage ? body : JSON.stringify(body));
}
