import { fromText, type Parsed } from "./parsed";

const example = "https://auth.example.com";

/** Reads the base URL of an authentik server, with the path if authentik is served below one. @returns it without trailing slash */
export const parseAuthentikUrl = fromText((text): Parsed<string> => {
  const parsed = parseUrl(text, {
    none: `write e.g. ${example}`,
    credentials: `; put the API token into authentikToken and write e.g. ${example}`,
    query: `; write the base URL, e.g. ${example}`,
  });
  if ("wrong" in parsed || !/\/api(\/v3)?$/.test(new URL(parsed.value).pathname)) return parsed;
  return { wrong: `names the API's path, which is added to it; write the base URL, e.g. ${example}` };
});

/** Folder of the runbooks in this repository, which alerts name unless an address is set. */
const inRepository = "docs/runbooks";

/** Reads the address at which people can read the runbooks. @returns it without trailing slash */
export const parseRunbookUrl = fromText((text): Parsed<string> => {
  if (text === inRepository) return { value: text };
  const none = `write the address that shows ${inRepository}, e.g. https://git.example.com/ops/authentik-outpost-shm/blob/main/${inRepository}`;
  return parseUrl(text, {
    none,
    credentials: `, which every alert would show; ${none}`,
    query: `, and a runbook's name goes behind it; ${none}`,
  });
});

/** Parses an http(s) URL that something is appended to. @param advice goes on from the mistake: no URL, credentials, a query */
function parseUrl(text: string, advice: Record<"none" | "credentials" | "query", string>): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return { wrong: `is no http(s) URL; ${advice.none}` };
  if (url.username || url.password) return { wrong: `holds credentials${advice.credentials}` };
  if (url.search || url.hash) return { wrong: `has a query or fragment${advice.query}` };
  return { value: `${url.origin}${url.pathname.replace(/\/+$/, "")}` };
}
