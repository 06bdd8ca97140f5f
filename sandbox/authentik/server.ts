// The stand-in's HTTP server, on loopback only.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { text } from "node:stream/consumers";
import { answer, type Backend } from "./api";

/** PEM of a key and its certificate. */
export interface Tls {
  key: string;
  cert: string;
}

export async function serve(backend: Backend, tls?: Tls): Promise<Server> {
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    handle(request, response, backend).catch(() => response.destroy());
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

async function handle(incoming: IncomingMessage, response: ServerResponse, backend: Backend): Promise<void> {
  const { method = "", url: path = "", headers } = incoming;
  const { pathname, searchParams: query } = new URL(path, "http://localhost");
  const { authorization } = headers;
  const request = { method, path: pathname, query, authorization, body: await text(incoming) };
  const { status, body } = answer(request, backend);
  // Recorded before the answer is sent, so that anyone who has the answer finds the record.
  backend.requests.push({ method, path, status });
  const isPage = typeof body === "string";
  const contentType = isPage ? "text/html; charset=utf-8" : "application/json";
  response.writeHead(status, { "content-type": contentType, "x-powered-by": "authentik" });
  response.end(isPage ? body : JSON.stringify(body));
}
