// PATCH and PUT of an outpost: what OutpostSerializer of authentik/outposts/api/outposts.py refuses and changes.
import { detail, type Answer, type Backend, type Request } from "./messages";
import { configError, isRecord, type OutpostConfig } from "./outpostConfig";
import { EMBEDDED_OUTPOST_MARK, serialized, serviceConnections, type Outpost, type OutpostType } from "./outposts";

const TYPES: readonly unknown[] = ["proxy", "ldap", "radius", "rac"] satisfies OutpostType[];

export function update({ method, contentType, body }: Request, outpost: Outpost, backend: Backend): Answer {
  const mediaType = contentType?.split(";")[0] ?? "";
  if (mediaType !== "application/json") return detail(415, `Unsupported media type "${mediaType}" in request.`);
  const sent = parsed(body);
  if (sent === undefined) return detail(400, "JSON parse error");
  if (!isRecord(sent)) {
    const kind = Array.isArray(sent) ? "list" : typeof sent;
    return { status: 400, body: { non_field_errors: [`Invalid data. Expected a dictionary, but got ${kind}.`] } };
  }
  const errors = fieldErrors(sent, outpost, method === "PUT");
  if (Object.keys(errors).length > 0) return { status: 400, body: errors };
  backend.save(outpost, changesOf(sent));
  // The answer repeats the request; only the next read has the database's order.
  const config = (sent.config ?? outpost.config) as OutpostConfig;
  return { status: 200, body: { ...serialized(outpost), config } };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Collects errors by field. Read-only and unknown fields are ignored, as Django REST framework does. */
function fieldErrors(sent: Record<string, unknown>, outpost: Outpost, isWhole: boolean): Record<string, string[]> {
  const wrong: Record<string, string | undefined> = {
    name: nameError(sent.name, outpost),
    type: TYPES.includes(sent.type) ? undefined : `"${String(sent.type)}" is not a valid choice.`,
    providers: providersError(sent.providers, outpost),
    service_connection: connectionError(sent.service_connection),
    config: configError(sent.config),
  };
  const errors: Record<string, string[]> = {};
  for (const [field, error] of Object.entries(wrong)) {
    if (field in sent && error) errors[field] = [error];
    if (!(field in sent) && isWhole && field !== "service_connection") errors[field] = ["This field is required."];
  }
  return errors;
}

function nameError(name: unknown, { name: present, managed }: Outpost): string | undefined {
  if (name === "") return "This field may not be blank.";
  if (typeof name !== "string") return name === null ? "This field may not be null." : "Not a valid string.";
  if (managed === EMBEDDED_OUTPOST_MARK && name !== present) return "Embedded outpost's name cannot be changed";
  return undefined;
}

function providersError(providers: unknown, { managed }: Outpost): string | undefined {
  if (!Array.isArray(providers)) return `Expected a list of items but got type "${typeof providers}".`;
  const mayBeEmpty = managed === EMBEDDED_OUTPOST_MARK;
  return providers.length === 0 && !mayBeEmpty ? "This list may not be empty." : undefined;
}

function connectionError(pk: unknown): string | undefined {
  if (pk === null || serviceConnections.some((connection) => connection.pk === pk)) return undefined;
  return `Invalid pk ${JSON.stringify(pk)} - object does not exist.`;
}

function changesOf(sent: Record<string, unknown>): Partial<Outpost> {
  const { name, type, providers, service_connection: connection, config } = sent as Partial<Outpost> & typeof sent;
  return {
    ...(name !== undefined && { name }),
    ...(type !== undefined && { type }),
    ...(providers !== undefined && { providers }),
    ...(connection !== undefined && {
      serviceConnection: serviceConnections.find(({ pk }) => pk === connection) ?? null,
    }),
    ...(config !== undefined && { config }),
  };
}
