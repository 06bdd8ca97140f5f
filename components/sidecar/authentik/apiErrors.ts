/** Why authentik's API could not be used; the message says what to do. */
export class AuthentikError extends Error {
  override readonly name = "AuthentikError";

  constructor(
    message: string,
    /** Whether the same request may well succeed in a moment. */
    readonly transient = false,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A request as messages name it. */
export interface Asked {
  url: string;
  method: "GET" | "PATCH";
}

const permissions = { GET: "authentik_outposts.view_outpost", PATCH: "authentik_outposts.change_outpost" };

/** An answer other than JSON with a status of 2xx. */
export function answerError({ url, method }: Asked, response: Response, body: string): AuthentikError {
  const { status } = response;
  const said = detailOf(body);
  const words = said ? ` (${said})` : "";
  // authentik answers a token that it doesn't know with 403, not 401.
  if (status === 401 || (status === 403 && /token|authentication/i.test(said)))
    return new AuthentikError(
      `authentik refuses the token, HTTP ${status}${words}: authentikToken is wrong, expired, or no API token (Directory > Tokens, intent API)`,
    );
  if (status === 403)
    return new AuthentikError(
      `authentik lets the token's user not ${method === "GET" ? "view" : "change"} outposts, HTTP 403${words}: give it the permission ${permissions[method]}`,
    );
  if (status >= 300 && status < 400)
    return new AuthentikError(
      `${url} redirects to ${response.headers.get("location") ?? "elsewhere"}: set authentikUrl to where authentik is`,
    );
  if (status === 404)
    return new AuthentikError(`${url} is not there, HTTP 404${words}: authentikUrl must be authentik's base URL`);
  if (status >= 500 || status === 429)
    return new AuthentikError(`authentik failed to answer ${method} ${url}, HTTP ${status}${words}`, true);
  if (status >= 400) return new AuthentikError(`authentik refuses ${method} ${url}, HTTP ${status}: ${said || body}`);
  const type = response.headers.get("content-type") ?? "no content type";
  return new AuthentikError(
    `${url} answered ${type} instead of JSON: authentikUrl must be authentik's base URL, and no login page may stand before its API`,
  );
}

/** A request without an answer. */
export function connectionError({ url, method }: Asked, error: unknown, timeoutMs: number): AuthentikError {
  if (error instanceof Error && error.name === "TimeoutError")
    return new AuthentikError(`authentik did not answer ${method} ${url} within ${timeoutMs / 1000} s`, true);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : (error as Error);
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  const reason = code && !cause.message.includes(code) ? `${cause.message} (${code})` : cause.message;
  if (/CERT|TLS|SSL|SIGNATURE|ISSUER/.test(code))
    return new AuthentikError(
      `the certificate of ${new URL(url).origin} is not trusted: ${reason}; set NODE_EXTRA_CA_CERTS to the file of your CA, or correct authentikUrl`,
      false,
      { cause: error },
    );
  return new AuthentikError(`authentik can't be reached at ${new URL(url).origin}: ${reason}`, true, { cause: error });
}

function detailOf(body: string): string {
  try {
    const parsed = JSON.parse(body) as { detail?: unknown };
    return typeof parsed.detail === "string" ? parsed.detail : "";
  } catch {
    return "";
  }
}
