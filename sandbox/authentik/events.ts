// The event log, as far as changes of outposts go. Source: AuditMiddleware of authentik/events/middleware.py, model_to_dict() and
// sanitize_dict() of authentik/events/utils.py.
import { randomUUID } from "node:crypto";
import type { AuditEvent } from "./messages";
import type { Outpost } from "./outposts";

/** Returns the event that a saved outpost leaves. Its id has no hyphens. */
export function updated({ pk, name }: Outpost, username: string): AuditEvent {
  return {
    pk: randomUUID(),
    user: { pk: 7, username, email: "" },
    action: "model_updated",
    app: "authentik.events.middleware",
    context: { model: { app: "authentik_outposts", model_name: "outpost", pk: pk.replaceAll("-", ""), name } },
    client_ip: "127.0.0.1",
    created: new Date().toISOString(),
    expires: null,
    brand: {},
  };
}
