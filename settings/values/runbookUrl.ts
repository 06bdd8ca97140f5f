import type { Parsed } from "./parsed";

/** Folder of the runbooks in this repository, which alerts name unless an address is set. */
const IN_REPOSITORY = "docs/runbooks";
const FORM = `write the address that shows ${IN_REPOSITORY}, e.g. https://git.example.com/ops/authentik-outpost-shm/blob/main/${IN_REPOSITORY}`;

/** Parses the address at which people can read the runbooks. @returns it without trailing slash */
export function parseRunbookUrl(text: string): Parsed<string> {
  if (text === IN_REPOSITORY) return { value: text };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return { wrong: `is no http(s) URL; ${FORM}` };
  if (url.username || url.password) return { wrong: `holds credentials, which every alert would show; ${FORM}` };
  if (url.search || url.hash) return { wrong: `has a query or fragment, and a runbook's name goes behind it; ${FORM}` };
  return { value: `${url.origin}${url.pathname.replace(/\/+$/, "")}` };
}
