// The API's requests and answers, apart from their transport.
import type { Outpost } from "./outposts";

export interface Request {
  method: string;
  /** Path without the query. */
  path: string;
  query: URLSearchParams;
  authorization: string | undefined;
  body: string;
}

export interface Answer {
  status: number;
  /** JSON, or text for an HTML page. */
  body: Record<string, unknown> | string;
}

/** An entry of the event log, as EventSerializer renders it. */
export interface AuditEvent extends Record<string, unknown> {
  action: string;
  user: { pk: number; username: string; email: string };
  context: { model: { app: string; model_name: string; pk: string; name: string } };
}

export interface Backend {
  readonly token: string;
  /** The event log, oldest first. */
  readonly events: readonly AuditEvent[];
  outposts(): readonly Outpost[];
  /**
   * Stores the changes, and starts what authentik does after a change.
   * @param by name of the user who makes them
   */
  save(outpost: Outpost, changes: Partial<Outpost>, by: string): void;
}

/** Answers as Django itself does: with a page, whatever the client asked for. */
export function page(status: number, title: string): Answer {
  return { status, body: `<!DOCTYPE html>\n<html lang="en"><head><title>${title} - authentik</title></head></html>\n` };
}

export function detail(status: number, text: string): Answer {
  return { status, body: { detail: text } };
}
