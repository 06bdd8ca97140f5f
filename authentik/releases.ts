import { sessionDirectory } from "./names";

/** A range of authentik's releases whose proxy outposts treat sessions alike. */
export interface Releases {
  /** The first of them: year, month, patch. */
  readonly first: readonly [number, number, number];
  /** Their name, such as "2025.10.0 to 2025.10.2". */
  readonly name: string;
  /** TMPDIR of the image, where sessions are. Undefined if it sets none: they are in /tmp then. */
  readonly tmpdir?: string;
  /** Completes "if a visitor's session is removed while its cookie lives, …". */
  readonly early: string;
  /** Completes "once /dev/shm is full, a visit …, and a login …". Undefined if no session is there. */
  readonly full?: { readonly visit: string; readonly login: string };
  /** The people whose sessions fill /dev/shm. */
  readonly filledBy: string;
  /** The files that its own sweep removes. Undefined if it has none. */
  readonly ownSweep?: string;
  /** The need for the cure, in a few words. */
  readonly cure: string;
  /** True if sessions say themselves how long they live, so that a sweep leaves them until then. */
  readonly statesExpiry?: true;
  /** True if forward auth lets visitors in without a login: see {@link openForwardAuth}. */
  readonly isOpen?: true;
}

const byValidity = "every 5 min: files older than the token validity of the provider that was loaded last";
const unnoticed = "nothing is noticed";
const loginFails = { visit: "goes on to the login page", login: "ends with HTTP 400" };
const visitFails = { visit: "gets HTTP 400", login: "can't begin" };
const keepsVisitors = "needed: its own sweep keeps visitors as long as logins";
const shm = { tmpdir: sessionDirectory, filledBy: "visitors" };

/** The sessions of each release of a proxy outpost, the oldest first. docs/authentik-versions.md shows it. */
export const releases: readonly [Releases, ...Releases[]] = [
  {
    first: [0, 0, 0],
    name: "before 2025.4.1",
    filledBy: "nobody",
    early: "no session is in /dev/shm",
    cure: "does not reach them: upgrade authentik",
  },
  {
    ...shm,
    first: [2025, 4, 1],
    name: "2025.4.1 to 2025.6",
    early: unnoticed,
    full: loginFails,
    cure: "needed: nothing else removes a session before its pod ends",
  },
  {
    ...shm,
    first: [2025, 8, 0],
    name: "2025.8",
    early: unnoticed,
    full: loginFails,
    ownSweep: byValidity,
    cure: keepsVisitors,
  },
  {
    ...shm,
    first: [2025, 10, 0],
    name: "2025.10.0 to 2025.10.2",
    early: "behind Traefik, Caddy and Envoy each visit is answered HTTP 200 without a login",
    full: { visit: "is answered HTTP 200 without a login behind Traefik, Caddy and Envoy", login: "can't begin" },
    ownSweep: byValidity,
    cure: "refused, since removing sessions opens forward auth: upgrade authentik first",
    isOpen: true,
  },
  {
    ...shm,
    first: [2025, 10, 3],
    name: "2025.10.3",
    early: "the next visit gets HTTP 400, once",
    full: visitFails,
    ownSweep: byValidity,
    cure: keepsVisitors,
  },
  {
    ...shm,
    first: [2025, 10, 4],
    name: "2025.10.4 to 2026.5",
    early: "behind Traefik, Caddy and Envoy a login ends with HTTP 400, once: the person logs in a second time",
    full: visitFails,
    ownSweep: byValidity,
    cure: keepsVisitors,
  },
  {
    tmpdir: sessionDirectory,
    first: [2026, 8, 0],
    name: "2026.8 and later",
    filledBy: "people who log in",
    early: unnoticed,
    full: { visit: "goes on to the login page", login: "ends with HTTP 500" },
    ownSweep: "every 5 min: files past the end that they state themselves",
    statesExpiry: true,
    cure: "needed where logins are many or live for weeks; floods of visits matter less",
  },
];

/** The dangers of {@link Releases.isOpen}, as a clause. */
export const openForwardAuth =
  "forward auth is open on 2025.10.0 to 2025.10.2: behind Traefik, Caddy and Envoy, a visit whose session is gone, " +
  "or that meets a full /dev/shm, is answered HTTP 200 without a login";
export const closeForwardAuth = "Upgrade authentik to 2025.10.3 or later.";

/** Describes a full /dev/shm, as a clause: what these releases do, or what releases do if these are not known. */
export function fullInWords(of: Releases | undefined): string {
  if (!of?.full) return `once it is full, ${fullAnywhere}`;
  return `once it is full, a visit ${of.full.visit}, and a login ${of.full.login}`;
}

/** Completes "once /dev/shm is full, …" for every release with sessions there. */
export const fullAnywhere =
  "no new session can be saved: depending on the outpost's release, visits or logins fail, " +
  "or visitors get in without a login (2025.10.0 to 2025.10.2)";

/** The tag of an image of authentik's: a calendar version, what may follow it (-rc1, -amd64), and a digest. */
const calendarTag = /:v?(20\d\d)\.(\d{1,2})(?:\.(\d+))?(?:-[\w.-]+)?(?:@[\w:]+)?$/;

/**
 * Returns the releases that an image is one of, by its tag. A release candidate counts as its release. Undefined if the tag does
 * not tell: `latest`, `gh-…`, a digest alone, or a month whose patches differ, such as 2025.10.
 */
export function releasesOf(image = ""): Releases | undefined {
  const [tag, year, month, patch] = calendarTag.exec(image) ?? [];
  if (tag === undefined) return undefined;
  const at = (of: number) => releasesAt([Number(year), Number(month), of]);
  if (patch !== undefined) return at(Number(patch));
  return at(0) === at(Infinity) ? at(0) : undefined;
}

function releasesAt(version: readonly number[]): Releases {
  const isFrom = ({ first }: Releases): boolean => {
    const differing = first.findIndex((part, index) => part !== version[index]);
    return differing < 0 || version[differing] > first[differing];
  };
  return [...releases].reverse().find(isFrom) ?? releases[0];
}

/** Returns the table of docs/authentik-versions.md, in Markdown. */
export function versionsTable(): string {
  const head = [
    "outpost's image",
    "its sessions are in",
    "a visitor's session is removed while its cookie lives",
    "/dev/shm is full: a visit",
    "/dev/shm is full: a login",
    "its own sweep",
    "this cure",
  ];
  const rows = releases.map(({ name, tmpdir, early, full, ownSweep, cure, isOpen }) => {
    const strong = (text: string) => (isOpen ? `**${text}**` : text);
    return [
      name,
      tmpdir ? `\`${tmpdir}\`` : "`/tmp`",
      strong(early),
      full ? strong(full.visit) : "-",
      full?.login ?? "-",
      ownSweep ?? "none",
      strong(cure),
    ];
  });
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
