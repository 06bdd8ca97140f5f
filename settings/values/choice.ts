import { nearest } from "./nearest";
import { type Parsed, parseText } from "./parsed";

/** Returns a parser of one word out of a closed list. */
export function choiceOf<T extends string>(choices: readonly T[]): (value: unknown) => Parsed<T> {
  const choose = `choose ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
  return (value) => {
    const text = parseText(value);
    if ("wrong" in text) return { wrong: `${text.wrong}; ${choose}` };
    const chosen = choices.find((choice) => choice === text.value);
    if (chosen !== undefined) return { value: chosen };
    const meant = nearest(text.value, choices);
    return { wrong: `is none of the choices${meant ? ` (did you mean ${meant}?)` : ""}; ${choose}` };
  };
}
