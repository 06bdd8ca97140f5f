// What the API is asked and answers, apart from how it travels.
import type { Outpost } from "./outposts";

export interface Request {
  method: string;
  /** Without the query and the path that authentik is served under. */
  path: string;
  query: URLSearchParams;
  authorization: string | undefined;
  contentType: string | undefined;
  body: string;
}

export interface Answer {
  status: number;
  /** JSON, or else an HTML page. */
  body: Record<string, unknown> | string;
  headers?: Record<string, string>;
}

export interface Backend {
  readonly token: string;
  outposts(): readonly Outpost[];
  /** Keeps the changes, and starts what authentik does after one. */
  save(outpost: Outpost, changes: Partial<Outpost>): void;
}

/** An answer of Django itself, which renders a page whatever was asked for. */
export function page(status: number, title: string): Answer {
  return { status, body: `<!DOCTYPE html>\n<html lang="en"><head><title>${title} - authentik</title></head></html>\n` };
}

export function detail(status: number, text: string): Answer {
  return { status, body: { detail: text } };
}
