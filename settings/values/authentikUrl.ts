import type { Parsed } from "./parsed";

const EXAMPLE = "https://auth.example.com";

/**
 * Parses the base URL of an authentik server, with the path if authentik is served below one.
 * @returns it without trailing slash
 */
export function parseAuthentikUrl(text: string): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return { wrong: `is no http(s) URL; write e.g. ${EXAMPLE}` };
  if (url.username || url.password)
    return { wrong: `holds credentials; put the API token into authentikToken and write e.g. ${EXAMPLE}` };
  if (url.search || url.hash) return { wrong: `has a query or fragment; write the base URL, e.g. ${EXAMPLE}` };
  if (/\/api(\/v3)?\/*$/.test(url.pathname))
    return { wrong: `names the API's path, which is added to it; write the base URL, e.g. ${EXAMPLE}` };
  return { value: `${url.origin}${url.pathname.replace(/\/+$/, "")}` };
}
