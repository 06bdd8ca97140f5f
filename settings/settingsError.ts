/** Everything that is wrong with the settings. */
export class SettingsError extends Error {
  /** @param problems one line each: the key, its value, the mistake, and the choices or an example */
  constructor(readonly problems: string[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super([`${count} in the settings:`, ...problems].join("\n  "));
    this.name = "SettingsError";
  }
}

/** Collects problems of the settings, one line each, so that all of them are reported at once. */
export class Problems {
  readonly lines: string[] = [];
  readonly #keys = new Set<string>();

  /** @param secrets keys whose value, or all that is in it, was given as a secret and must not appear in a message */
  constructor(private readonly secrets: ReadonlySet<string>) {}

  /** Reports a wrong value: `outposts[1].shmSize: "64" has no unit; …`. */
  value(key: string, value: unknown, wrong: string): void {
    this.line(key, `${this.show(key, value)} ${wrong}`);
  }

  /** Reports a problem that has no value to show. */
  line(key: string, text: string): void {
    this.#keys.add(key);
    this.lines.push(`${key}: ${text}`);
  }

  /** Tells whether this very key has a problem already, so that its value is not judged further. */
  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** Formats a value for a message: one line, not endless, no secret. The contents of lists and objects are left out. */
  private show(key: string, value: unknown): string {
    if (this.secrets.has(key) || this.secrets.has(key.split(/[.[]/)[0])) return "[secret]";
    if (Array.isArray(value)) return value.length === 0 ? "[]" : "[…]";
    if (typeof value === "object" && value !== null) return "{…}";
    const text = String(JSON.stringify(value)).replace(/(\/\/)[^/@\s]*@/g, "$1[hidden]@");
    return text.length <= 100 ? text : `${text.slice(0, 99)}…`;
  }
}
