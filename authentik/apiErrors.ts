// Functions instead of classes, here and in everything that the dynamic provider reaches (provider.ts). Pulumi serialises what
// it captures, and drops the initialisers of a class's fields and the message of an error class.

/** An error of authentik's API. Its message says what to do. */
export interface AuthentikError extends Error {
  name: "AuthentikError";
  /** True if the same request may well succeed in a moment. */
  readonly transient: boolean;
  /** True if there is no outpost of that name, or none that the token's user may see. */
  readonly unknownOutpost: boolean;
  /** True if authentik does not deploy the outpost to Kubernetes as a proxy. */
  readonly unfitOutpost: boolean;
}

export function authentikError(
  message: string,
  {
    transient = false,
    unknownOutpost = false,
    unfitOutpost = false,
    cause,
  }: Partial<Omit<AuthentikError, "message">> = {},
): AuthentikError {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  return Object.assign(error, { name: "AuthentikError" as const, transient, unknownOutpost, unfitOutpost });
}

export const isAuthentikError = (error: unknown): error is AuthentikError =>
  error instanceof Error && error.name === "AuthentikError";

/** A request as messages name it. */
export interface Asked {
  url: string;
  method: "GET" | "PATCH";
}

/** Longest excerpt of a body that an error shows, in characters. */
const shownLength = 300;

const permissions = { GET: "authentik_outposts.view_outpost", PATCH: "authentik_outposts.change_outpost" };

/**
 * Makes the error for an answer other than JSON with a status of 2xx.
 * @param hide takes secrets out of a text
 */
export function answerError(
  { url, method }: Asked,
  response: Response,
  hide: (text: string) => string,
  text: string,
): AuthentikError {
  const { status } = response;
  const body = hide(text);
  const said = detailOf(body);
  const words = said ? ` (${said})` : "";
  // authentik answers an unknown token with 403, not 401.
  if (status === 401 || (status === 403 && /token|authentication/i.test(said)))
    return authentikError(
      `authentik refuses the token, HTTP ${status}${words}: authentikToken is wrong, expired, or no API token (Directory > Tokens, intent API)`,
    );
  if (status === 403)
    return authentikError(
      `authentik lets the token's user not ${method === "GET" ? "view" : "change"} outposts, HTTP 403${words}: give it the permission ${permissions[method]}`,
    );
  if (status >= 300 && status < 400)
    return authentikError(
      `${url} redirects to ${hide(response.headers.get("location") ?? "elsewhere")}: set authentikUrl to where authentik is`,
    );
  if (status === 404)
    return authentikError(`${url} is not there, HTTP 404${words}: authentikUrl must be authentik's base URL`);
  if (status >= 500 || status === 429)
    return authentikError(`authentik failed to answer ${method} ${url}, HTTP ${status}${words}`, { transient: true });
  if (status >= 400)
    return authentikError(`authentik refuses ${method} ${url}, HTTP ${status}: ${said || body.slice(0, shownLength)}`);
  const type = hide(response.headers.get("content-type") ?? "no content type");
  return authentikError(
    `${url} answered ${type} instead of JSON: authentikUrl must be authentik's base URL, and no login page may stand before its API`,
  );
}

/** Makes the error for a request without an answer. */
export function connectionError({ url, method }: Asked, error: unknown, timeoutMs: number): AuthentikError {
  if (error instanceof Error && error.name === "TimeoutError")
    return authentikError(`authentik did not answer ${method} ${url} within ${timeoutMs / 1000} s`, {
      transient: true,
    });
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : (error as Error);
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  const reason = reasonOf(cause.message, code);
  const { origin } = new URL(url);
  if (/^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/.test(code))
    return authentikError(
      `${origin} does not speak TLS (${code}): change authentikUrl to http://, or to a port that does`,
      { cause: error },
    );
  if (isUntrusted(code))
    return authentikError(
      `the certificate of ${origin} is not trusted: ${reason}; set NODE_EXTRA_CA_CERTS to the file of your CA, or correct authentikUrl`,
      { cause: error },
    );
  return authentikError(`authentik can't be reached at ${origin}: ${reason}`, {
    transient: true,
    cause: error,
  });
}

/** Tells the errors of verifying a certificate from those of TLS itself, such as that no version is spoken by both. */
const isUntrusted = (code: string): boolean => /CERT|SIGNATURE|ISSUER/.test(code) && !code.startsWith("ERR_SSL_");

/** Returns the system's words with its code. The error of a name with several addresses has no words. */
function reasonOf(message: string, code: string): string {
  if (message.includes(code)) return message;
  return message ? `${message} (${code})` : code;
}

function detailOf(body: string): string {
  try {
    const parsed = JSON.parse(body) as { detail?: unknown };
    return typeof parsed.detail === "string" ? parsed.detail : "";
  } catch {
    return "";
  }
}
