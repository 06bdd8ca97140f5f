import type { Parsed } from "./parsed";

/*
 * Kubernetes reads a CronJob's schedule with robfig/cron's ParseStandard and refuses TZ= on top. The npm cron parsers know more
 * (seconds, L, W, #, 7 for Sunday) and less (`5/15`), so the dialect is spelled out here. Refused although robfig/cron lets it
 * pass: empty list items, `*-5`, signs, and `@every`, which Kubernetes does not document.
 */
const MACROS = ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"];
const EXAMPLE = `minute hour day-of-month month day-of-week, e.g. 0 * * * *`;

interface CronField {
  readonly title: string;
  readonly lowest: number;
  readonly highest: number;
  readonly names?: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const FIELDS: readonly CronField[] = [
  { title: "minute", lowest: 0, highest: 59 },
  { title: "hour", lowest: 0, highest: 23 },
  { title: "day-of-month", lowest: 1, highest: 31 },
  { title: "month", lowest: 1, highest: 12, names: MONTHS },
  { title: "day-of-week", lowest: 0, highest: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

/** A cron line of Kubernetes' dialect, in UTC unless the cluster says otherwise. @returns it with single spaces between its fields */
export function parseSchedule(text: string): Parsed<string> {
  const schedule = text.trim().replace(/\s+/g, " ");
  if (schedule.includes("TZ"))
    return { wrong: "names a time zone, which Kubernetes refuses in a schedule; leave TZ= and CRON_TZ= out" };
  if (schedule.startsWith("@")) {
    if (MACROS.includes(schedule)) return { value: schedule };
    return { wrong: `is none of ${MACROS.join(", ")}; or write ${EXAMPLE}` };
  }
  const fields = schedule.split(" ");
  if (fields.length !== FIELDS.length) {
    return { wrong: `has ${count(fields.length, "field")}, not 5; write ${EXAMPLE}` };
  }
  for (const [index, field] of FIELDS.entries()) {
    const part = fields[index] ?? "";
    if (valuesOf(part, field) === undefined) return { wrong: `has a bad ${field.title}, "${part}"; ${allowed(field)}` };
  }
  if (neverComes(fields)) return { wrong: "never comes: none of its months has such a day" };
  return { value: schedule };
}

/** All values a field stands for, or undefined where it is malformed. */
function valuesOf(text: string, field: CronField): number[] | undefined {
  const values: number[] = [];
  for (const item of text.split(",")) {
    const match = /^(?:([*?])|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item);
    if (match === null) return undefined;
    const [, star, from = "", to, step] = match;
    const first = star ? field.lowest : numberOf(from, field);
    // `5/15` means from 5 to the end in steps of 15.
    const last = star || (to === undefined && step !== undefined) ? field.highest : numberOf(to ?? from, field);
    const stride = Number(step ?? 1);
    if (first === undefined || last === undefined || first > last || stride === 0) return undefined;
    for (let value = first; value <= last; value += stride) values.push(value);
  }
  return values;
}

function numberOf(word: string, field: CronField): number | undefined {
  const named = field.names?.indexOf(word.toLowerCase()) ?? -1;
  if (named >= 0) return named + field.lowest;
  const number = /^\d+$/.test(word) ? Number(word) : NaN;
  return number >= field.lowest && number <= field.highest ? number : undefined;
}

/** 30 February and its like. A restricted day of the week is an alternative to the day of the month, so it always comes. */
function neverComes(fields: readonly string[]): boolean {
  const [, , days = "", months = "", weekdays = ""] = fields;
  const [, , dayField, monthField] = FIELDS;
  if (!/^[*?]$/.test(weekdays) || !dayField || !monthField) return false;
  const longest = Math.max(
    ...(valuesOf(months, monthField) ?? []).map((month) => new Date(Date.UTC(2024, month, 0)).getUTCDate()),
  );
  return Math.min(...(valuesOf(days, dayField) ?? [])) > longest;
}

function allowed({ lowest, highest, names }: CronField): string {
  const words = names ? ` or ${names[0]}-${names[names.length - 1]}` : "";
  return `it takes *, ${lowest}-${highest}${words}, lists, ranges and /steps`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
