/** Everything that is wrong with the settings. */
export class SettingsError extends Error {
  /** @param problems one line each: the key, its value, what is wrong, and the choices or an example */
  constructor(readonly problems: string[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super([`${count} in the settings:`, ...problems].join("\n  "));
    this.name = "SettingsError";
  }
}

/** Collects what is wrong with the settings, one line a problem, so that all of it is reported at once. */
export class Problems {
  readonly lines: string[] = [];
  readonly #keys = new Set<string>();

  /** @param secrets top-level keys whose value was given as a secret and must not show up in a message */
  constructor(private readonly secrets: ReadonlySet<string>) {}

  /** A value that is wrong: `outposts[1].shmSize: "64" has no unit; …`. */
  value(key: string, value: unknown, wrong: string): void {
    this.line(key, `${this.show(key, value)} ${wrong}`);
  }

  /** A problem that has no value to show. */
  line(key: string, text: string): void {
    this.#keys.add(key);
    this.lines.push(`${key}: ${text}`);
  }

  /** Whether this very key has a problem already, so that its value is not to be judged further. */
  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** A value as a message quotes it: one line, not endless, no secret. What lists and objects hold stays unsaid. */
  private show(key: string, value: unknown): string {
    if (this.secrets.has(key.split(/[.[]/)[0] ?? key)) return "[secret]";
    if (Array.isArray(value)) return value.length === 0 ? "[]" : "[…]";
    if (typeof value === "object" && value !== null) return "{…}";
    const text = JSON.stringify(value).replace(/(\/\/)[^/@\s]*@/g, "$1[hidden]@");
    return text.length <= 100 ? text : `${text.slice(0, 99)}…`;
  }
}
